package import Cluster

/// Which local tiers may be in memory at once, and what unloading each costs: the `matrix` of llama-swap.yaml.
///
/// The small fast tier stays beside one heavy tier at a time; two chat tiers fit beside it together.
package struct ResidentSets: Equatable, Sendable {
    package struct Variable: Equatable, Sendable {
        /// One letter, for the expressions in ``sets``.
        package var letter: String
        package var tier: String
        /// 1...30, in units of llama-swap's own; a heavy tier is dear to bring back.
        package var evictCost: Int
    }

    package struct Set: Equatable, Sendable {
        package var name: String
        /// Letters that may be resident together.
        package var letters: [String]
    }

    /// The first local tier of each role that takes part, in the order f, c, p, u.
    package private(set) var variables: [Variable] = []
    package private(set) var sets: [Set] = []

    package init(catalog: Catalog) {
        let parts: [(letter: String, role: Role)] = [
            ("f", .fast), ("c", .agent), ("p", .plan), ("u", .planUncensored),
        ]
        for part in parts {
            guard let tier = catalog.localTiers.first(where: { $0.role == part.role }),
                case .gguf(let gguf) = tier.backend
            else { continue }
            variables.append(
                Variable(
                    letter: part.letter, tier: tier.name, evictCost: Self.evictCost(sizeGB: gguf.current.sizeGB)))
        }
        let present = variables.map(\.letter)
        let named = [
            Set(name: "agent_with_fast", letters: ["f", "c"]),
            Set(name: "plan_with_fast", letters: ["f", "p"]),
            Set(name: "plan_uncensored_with_fast", letters: ["f", "u"]),
            Set(name: "all_chats_with_fast", letters: ["f", "p", "u"]),
        ]
        sets = named.filter { $0.letters.allSatisfy(present.contains) }
        // llama-swap refuses a matrix without a set: with no fast tier, each heavy one is alone.
        if sets.isEmpty, present.first != "f" {
            sets = variables.map { Set(name: "\($0.letter)_alone", letters: [$0.letter]) }
        }
    }

    /// clamp(size / 1.5, 1, 30), halves to even.
    ///
    /// - Parameter sizeGB: of the current weights, in both channels; 0 when unknown, which counts as 5.
    package static func evictCost(sizeGB: Double) -> Int {
        let size = sizeGB > 0 ? sizeGB : 5
        return Int(min(max((size / 1.5).rounded(.toNearestOrEven), 1), 30))
    }
}

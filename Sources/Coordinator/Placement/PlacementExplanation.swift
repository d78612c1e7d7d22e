package import Cluster
import Wire

/// Where a request would go and why, with what each host would cost: the answer of `/llmstack/v1/explain`.
package struct PlacementExplanation: Equatable, Sendable, Codable {
    /// Whether the request leaves the tier to the ladder.
    package var auto: Bool
    /// `auto`, or the model that it names.
    package var asked: String
    /// The tier; where no host can serve it the one that was asked for.
    package var tier: String
    /// Why that tier.
    package var reason: String
    /// The host's name; nil where none can.
    package var node: String?
    /// Why none can.
    package var refusal: String?
    /// Estimated tokens of the prompt.
    package var promptTokens: Int
    /// The tiers that were looked at before this one, and why they were passed by.
    package var rungs: [Rung]
    /// All hosts that have the tier.
    package var hosts: [Entry]

    package struct Rung: Equatable, Sendable, Codable {
        package var tier: String
        package var why: String?
    }

    package struct Entry: Equatable, Sendable, Codable {
        package var node: String
        package var id: NodeID
        package var local: Bool
        package var eligible: Bool
        /// Why it cannot be asked.
        package var why: String?
        package var state: String
        /// Requests in hand, and how many run at once.
        package var inHand: Int
        package var slots: Int
        /// Seconds.
        package var total: Double
        package var queue: Double
        package var load: Double
        package var prefill: Double
        package var decode: Double
        package var network: Double
        /// Seconds to the first token.
        package var firstToken: Double

        enum CodingKeys: String, CodingKey {
            case node, id, local, eligible, why, state, slots
            case inHand = "in_hand"
            case total = "total_s"
            case queue = "queue_s"
            case load = "load_s"
            case prefill = "prefill_s"
            case decode = "decode_s"
            case network = "network_s"
            case firstToken = "ttft_s"
        }
    }

    enum CodingKeys: String, CodingKey {
        case auto, asked, tier, reason, node, refusal, rungs, hosts
        case promptTokens = "prompt_tokens"
    }
}

extension PlacementExplanation {
    /// As a host has it that asked another's router: none of the hosts is that host itself.
    package var ofAnotherHost: PlacementExplanation {
        var explanation = self
        for index in hosts.indices { explanation.hosts[index].local = false }
        return explanation
    }

    /// What of it may be shown to people: the router that answers may be another host's, with others' words in it.
    package var sanitised: PlacementExplanation {
        var clean = self
        clean.asked = asked.printable()
        clean.tier = tier.printable()
        clean.reason = reason.printable(2000)
        clean.node = node?.printable()
        clean.refusal = refusal?.printable(2000)
        clean.rungs = rungs.map { Rung(tier: $0.tier.printable(), why: $0.why?.printable(2000)) }
        clean.hosts = hosts.map { host in
            var host = host
            host.node = host.node.printable()
            host.why = host.why?.printable()
            host.state = host.state.printable()
            return host
        }
        return clean
    }

    /// - Parameter model: what the request names; nil leaves it to the ladder.
    init(_ request: ScannedRequest, model: String?, _ work: Workload, _ routing: ClusterRouting) {
        var work = work
        let route: Route
        if let model {
            work.tier = routing.tier(named: model) ?? model
            route = routing.route(PlacementQuestion(routing.named(work.tier), work))
        } else {
            route = routing.route(PlacementQuestion(.auto(request.facts), work))
            work.tier = route.tier
            work.isFlexible = true
            work.staysLocal = route.staysLocal
        }
        auto = model == nil
        asked = model ?? "auto"
        tier = route.tier
        reason = route.reason
        promptTokens = work.promptTokens
        switch route.decision {
        case .host(let verdict): node = verdict.name
        case .unserved(let unserved): refusal = unserved.why
        }
        rungs = route.rungs.filter { $0.why != nil }.map { Rung(tier: $0.tier, why: $0.why) }
        hosts = routing.verdicts(work).map { Entry($0, work.tier) }
    }
}

extension PlacementExplanation.Entry {
    fileprivate init(_ verdict: Verdict, _ tier: String) {
        let report = verdict.host.tiers.first { $0.name == tier }
        let cost = verdict.cost
        self.init(
            node: verdict.name, id: verdict.id, local: verdict.isLocal,
            eligible: verdict.exclusion == nil, why: verdict.exclusion?.text, state: report?.state.rawValue ?? "",
            inHand: verdict.inHand, slots: report?.slots ?? 0, total: cost.total, queue: cost.queue, load: cost.load,
            prefill: cost.prefill, decode: cost.decode, network: cost.network, firstToken: cost.firstToken)
    }
}

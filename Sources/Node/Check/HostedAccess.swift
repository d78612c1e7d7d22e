package import Cluster
import Foundation

/// Whose credentials a hosted tier is asked with, as AWS says.
package struct HostedAccess: Equatable, Sendable {
    package enum Answer: Equatable, Sendable {
        case identity(CallerIdentity)
        /// What is wrong, and on a second line what mends it.
        case fault(String)
    }

    package var tier: String
    package var answer: Answer

    /// Asks for every hosted tier at once. Costs nothing, and asks no model.
    ///
    /// - Parameters:
    ///   - backend: finds credentials, region and endpoint as for a request.
    ///   - surroundings: reach AWS's STS.
    package static func ask(
        _ catalog: Catalog, usesNext: Bool, backend: BedrockBackend, surroundings: AWSSurroundings
    ) async -> [HostedAccess] {
        let tiers = catalog.hostedTiers
        return await withTaskGroup(of: (Int, HostedAccess).self) { group in
            for (index, tier) in tiers.enumerated() {
                group.addTask {
                    (
                        index,
                        HostedAccess(
                            tier: tier.name, answer: await answer(tier, usesNext, backend, surroundings))
                    )
                }
            }
            return await group.reduce(into: [(Int, HostedAccess)]()) { $0.append($1) }
                .sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private static func answer(
        _ tier: Tier, _ usesNext: Bool, _ backend: BedrockBackend, _ surroundings: AWSSurroundings
    ) async -> Answer {
        let client: BedrockClient
        do throws(BedrockUnavailable) {
            client = try await backend.client(for: tier, usesNext: usesNext)
        } catch { return .fault(error.note) }
        do throws(CredentialFailure) {
            return .identity(
                try await CallerIdentity.ask(
                    client.credentials, profile: client.target.profile, region: client.region,
                    surroundings: surroundings))
        } catch { return .fault(error.description) }
    }

    /// For people; a fault has two lines.
    var text: String {
        switch answer {
        case .identity(let identity): "  \(tier): \(identity.arn) (account \(identity.account))"
        case .fault(let fault): "  \(tier): \(fault.split(separator: "\n").joined(separator: "\n  "))"
        }
    }
}

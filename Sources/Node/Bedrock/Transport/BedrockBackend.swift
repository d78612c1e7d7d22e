package import Cluster
package import Logging
import Synchronization
package import Wire

/// Answers for the tiers that AWS Bedrock hosts.
package final class BedrockBackend: HostedBackend {
    let transport: any CurlTransport
    private let credentials: any CredentialSource
    private let environment: [String: String]
    private let usesNext: Bool
    private let log: Logger
    /// One for each target, for the life of the process.
    private let clocks = Mutex<[BedrockTarget: ServiceClock]>([:])

    /// - Parameters:
    ///   - usesNext: whether the queued models are in use.
    ///   - environment: where the region is looked for.
    package init(
        transport: any CurlTransport, credentials: any CredentialSource, usesNext: Bool,
        environment: [String: String], log: Logger
    ) {
        self.transport = transport
        self.credentials = credentials
        self.usesNext = usesNext
        self.environment = environment
        self.log = log
    }

    // MARK: HostedBackend

    package func verdict(on tier: Tier, _ answer: @escaping @Sendable (HostedVerdict) -> Void) {
        guard let target = BedrockTarget(tier, usesNext: usesNext) else {
            return answer(.unusable("It is a local tier."))
        }
        switch credentials.availability(profile: target.profile, region: target.region) {
        case .unusable(let reason): answer(.unusable(reason))
        case .usable where target.region != nil || regionOfEnvironment != nil: answer(.usable)
        // Files are read for the rest, or others are asked.
        case .usable, .unknown:
            Task {
                do throws(BedrockUnavailable) {
                    _ = try await client(target)
                    answer(.usable)
                } catch {
                    answer(.unusable(error.description))
                }
            }
        }
    }

    package func producer(_ request: HostedRequest) -> any ReplyProducer { Producer(request: request, backend: self) }

    private struct Producer: ReplyProducer {
        let request: HostedRequest
        let backend: BedrockBackend

        func begin(_ body: @escaping @Sendable () -> [UInt8], _ outlet: ReplyOutlet) -> any Production {
            let call = BedrockCall(request, backend, outlet)
            call.start(body)
            return call
        }
    }

    // MARK: Clients

    /// - Throws: what a client of the tier is told.
    package func client(for tier: Tier, usesNext: Bool) async throws(BedrockUnavailable) -> BedrockClient {
        guard let target = BedrockTarget(tier, usesNext: usesNext) else {
            throw BedrockUnavailable("The tier \"\(tier.name)\" is a local one.")
        }
        do throws(BedrockUnavailable) {
            return try await client(target)
        } catch {
            log.warning("\(tier.name): \(error.note)")
            throw error
        }
    }

    /// AWS takes a client's credentials no more.
    ///
    /// - Returns: one with others; nil where there are none.
    func renewed(_ client: BedrockClient) async -> BedrockClient? {
        await credentials.invalidate(profile: client.target.profile, used: client.credentials)
        let other = try? await self.client(client.target)
        return other?.credentials == client.credentials ? nil : other
    }

    private func client(_ target: BedrockTarget) async throws(BedrockUnavailable) -> BedrockClient {
        do throws(CredentialFailure) {
            let found = try await credentials.credentials(profile: target.profile, region: target.region)
            guard let region = try region(target), BedrockEndpoint.isRegion(region) else {
                throw CredentialFailure(
                    .misconfigured, profile: target.profile, reason: "there is no AWS region for it",
                    fix: "set aws_region in models.ini, such as aws_region = eu-central-1; or AWS_REGION")
            }
            let own = try credentials.endpoint(.bedrockRuntime, profile: target.profile, region: region)
            guard let endpoint = (target.endpoint ?? own?.url).flatMap(BedrockEndpoint.init) else {
                throw CredentialFailure(
                    .misconfigured, profile: target.profile,
                    reason: "\(target.endpoint ?? own?.url ?? "nothing") is no endpoint of AWS Bedrock",
                    fix: "write aws_endpoint_url like https://vpce-1.bedrock-runtime.eu-central-1.vpce.amazonaws.com")
            }
            return BedrockClient(
                target, region: region, endpoint: endpoint, credentials: found, clock: clock(target))
        } catch { throw BedrockUnavailable(error) }
    }

    private func clock(_ target: BedrockTarget) -> ServiceClock {
        clocks.withLock { clocks in
            let clock = clocks[target] ?? ServiceClock()
            clocks[target] = clock
            return clock
        }
    }

    /// The tier's, else the environment's, else the profile's.
    private func region(_ target: BedrockTarget) throws(CredentialFailure) -> String? {
        if let region = target.region ?? regionOfEnvironment { return region }
        return try credentials.region(profile: target.profile)
    }

    private var regionOfEnvironment: String? {
        ["AWS_REGION", "AWS_DEFAULT_REGION"].lazy.compactMap { self.environment[$0] }.first { !$0.isEmpty }
    }
}

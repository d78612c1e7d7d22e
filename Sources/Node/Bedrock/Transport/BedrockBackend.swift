package import Cluster
import Foundation
package import Logging
import Synchronization
package import Wire

/// Answers for the tiers that AWS Bedrock hosts.
package final class BedrockBackend: HostedBackend {
    let transport: any CurlTransport
    private let credentials: any CredentialSource
    private let environment: [String: String]
    private let files: CredentialFiles
    private let usesNext: Bool
    private let log: Logger
    private let clocks = Mutex<[BedrockClient.Key: ServiceClock]>([:])
    private let verdicts = Mutex(VerdictBook<Subject, HostedVerdict>())
    private let start = ContinuousClock.now

    /// What a verdict is about.
    private struct Subject: Hashable, Sendable {
        var profile: String?
        var region: String?
        var endpoint: String?
    }

    /// - Parameters:
    ///   - usesNext: whether the queued models are in use.
    ///   - environment: where the region is looked for, and the paths of the files.
    package init(
        transport: any CurlTransport, credentials: any CredentialSource, usesNext: Bool,
        environment: [String: String], log: Logger
    ) {
        self.transport = transport
        self.credentials = credentials
        self.usesNext = usesNext
        self.environment = environment
        self.log = log
        files = CredentialFiles(environment: environment)
    }

    // MARK: HostedBackend

    package func verdict(on tier: Tier, _ answer: @escaping @Sendable (HostedVerdict) -> Void) {
        guard let subject = subject(tier, usesNext: usesNext) else { return answer(.unusable("it is a local tier")) }
        let stamp = files.stamp
        let now = (ContinuousClock.now - start) / .seconds(1)
        switch verdicts.withLock({ $0.ask(subject, stamp: stamp, at: now, answer) }) {
        case .known(let verdict, let looksAgain):
            if looksAgain { look(into: subject) }
            answer(verdict)
        case .wait(let begins):
            if begins { look(into: subject) }
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

    /// - Throws: ``BedrockUnavailable``.
    func client(for tier: Tier, usesNext: Bool) async throws(BedrockUnavailable) -> BedrockClient {
        guard let subject = subject(tier, usesNext: usesNext) else {
            throw BedrockUnavailable("The tier \"\(tier.name)\" is a local one.")
        }
        do throws(BedrockUnavailable) {
            return try await client(subject)
        } catch {
            log.warning("\(tier.name): \(error)")
            settle(subject, .unusable("\(error)"))
            throw error
        }
    }

    private func client(_ subject: Subject) async throws(BedrockUnavailable) -> BedrockClient {
        let found: AWSCredentials
        do throws(CredentialFailure) {
            found = try await credentials.credentials(profile: subject.profile)
        } catch { throw BedrockUnavailable(error) }
        guard let region = await region(subject) else {
            throw BedrockUnavailable(
                "There is no AWS region for \(Self.named(subject.profile)). Set aws_region for the tier in models.ini, "
                    + "or AWS_REGION, or run aws configure.")
        }
        guard let endpoint = BedrockEndpoint(custom: subject.endpoint, region: region) else {
            throw BedrockUnavailable(
                "Nothing can be called at aws_region = \(region)\(subject.endpoint.map { ", aws_endpoint_url = \($0)" } ?? ""): "
                    + "write a region such as eu-central-1, and an endpoint that begins with https://.")
        }
        let key = BedrockClient.Key(profile: subject.profile, region: region, endpoint: subject.endpoint)
        let clock = clocks.withLock { clocks in
            let clock = clocks[key] ?? ServiceClock()
            clocks[key] = clock
            return clock
        }
        return BedrockClient(key, endpoint, found, clock)
    }

    private func region(_ subject: Subject) async -> String? {
        if let region = subject.region { return region }
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            if let region = environment[name], !region.isEmpty { return region }
        }
        return await credentials.region(profile: subject.profile)
    }

    private func subject(_ tier: Tier, usesNext: Bool) -> Subject? {
        guard case .bedrock(let bedrock) = tier.backend else { return nil }
        return Subject(
            profile: bedrock.profile, region: bedrock.target(next: usesNext).region, endpoint: bedrock.endpoint)
    }

    // MARK: Verdicts

    private func look(into subject: Subject) {
        Task {
            do throws(BedrockUnavailable) {
                _ = try await client(subject)
                settle(subject, .usable)
            } catch {
                settle(subject, .unusable("\(error)"))
            }
        }
    }

    private func settle(_ subject: Subject, _ verdict: HostedVerdict) {
        let waiters = verdicts.withLock { $0.found(verdict, isGood: verdict == .usable, for: subject) }
        for waiter in waiters { waiter(verdict) }
    }

    private static func named(_ profile: String?) -> String { profile.map { "the profile \"\($0)\"" } ?? "this host" }
}

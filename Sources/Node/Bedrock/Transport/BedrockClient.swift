import Foundation
import Synchronization

/// Speaks for one profile to one endpoint in one region.
final class BedrockClient: Sendable {
    /// What tells clients apart: one for each lives as long as the process.
    struct Key: Hashable, Sendable {
        var profile: String?
        var region: String
        var endpoint: String?
    }

    let endpoint: BedrockEndpoint
    private let key: Key
    /// Seconds by which the service's clock is ahead of this host's.
    private let clock: ServiceClock
    private let credentials: AWSCredentials

    init(_ key: Key, _ endpoint: BedrockEndpoint, _ credentials: AWSCredentials, _ clock: ServiceClock) {
        self.key = key
        self.endpoint = endpoint
        self.credentials = credentials
        self.clock = clock
    }

    /// By the service's clock.
    var now: Date { Date().addingTimeInterval(clock.ahead) }

    func setForward(by seconds: Double) { clock.setForward(by: seconds) }

    /// Seconds that a model may think before it says anything: the SDKs' documentation asks for an hour.
    private static let patience = Duration.seconds(3600)

    /// - Parameter payloadHash: of the body.
    /// - Returns: the request, signed for this moment.
    func request(_ converse: ConverseRequest, payloadHash: String) -> Curl.Request {
        let path = "\(endpoint.prefix)/model/\(PercentEncoding.encode(converse.modelID))/\(converse.operation.rawValue)"
        let headers: [RequestSigner.Header] = [
            ("content-type", "application/json"), ("x-amz-content-sha256", payloadHash),
            ("accept", converse.operation == .converseStream ? BedrockAttempt.streamType : "application/json"),
        ]
        let signer = RequestSigner(credentials: credentials, region: key.region, service: "bedrock")
        let added = signer.sign(
            .init(method: "POST", host: endpoint.host, path: path, headers: headers, payloadHash: payloadHash),
            at: now)
        return Curl.Request(
            String(endpoint.url.dropLast(endpoint.prefix.utf8.count)) + path,
            // Nobody is asked whether a large body is welcome: that would cost a round trip.
            headers: (headers + added).map { "\($0.name): \($0.value)" } + ["Expect:"],
            body: converse.body, stallTimeout: Self.patience, followsRedirects: false)
    }
}

/// How far a service's clock is from this host's, as its refusals have told.
final class ServiceClock: Sendable {
    private let seconds = Mutex(0.0)

    var ahead: Double { seconds.withLock { $0 } }

    func setForward(by more: Double) { seconds.withLock { $0 += more } }
}

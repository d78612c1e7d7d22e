import Foundation
import Synchronization

/// Speaks for one profile to one endpoint in one region.
package struct BedrockClient: Sendable {
    package let target: BedrockTarget
    /// What requests are signed for.
    package let region: String
    package let endpoint: BedrockEndpoint
    package let credentials: AWSCredentials
    private let clock: ServiceClock

    init(
        _ target: BedrockTarget, region: String, endpoint: BedrockEndpoint, credentials: AWSCredentials,
        clock: ServiceClock
    ) {
        self.target = target
        self.region = region
        self.endpoint = endpoint
        self.credentials = credentials
        self.clock = clock
    }

    /// Seconds by which the service's clock is ahead, as far as its refusals have told by now.
    var ahead: Double { clock.ahead }

    func setClock(ahead seconds: Double) { clock.set(ahead: seconds) }

    /// That a model may think before it says anything: AWS's documentation asks for an hour.
    private static let patience = Duration.seconds(3600)

    /// - Parameters:
    ///   - payloadHash: of the body.
    ///   - now: the moment that it is signed for.
    func request(_ converse: ConverseRequest, payloadHash: String, at now: Date) -> Curl.Request {
        let path = "/model/\(PercentEncoding.encode(converse.modelID))/\(converse.operation.rawValue)"
        let headers: [RequestSigner.Header] = [
            ("content-type", "application/json"), ("x-amz-content-sha256", payloadHash),
            ("accept", converse.operation == .converseStream ? BedrockAttempt.streamType : "application/json"),
        ]
        let added = RequestSigner(credentials: credentials, region: region, service: "bedrock").sign(
            .init(
                method: "POST", host: endpoint.host, path: endpoint.prefix + path, headers: headers,
                payloadHash: payloadHash),
            at: now)
        return Curl.Request(
            endpoint.url + path,
            // Nobody is asked whether a large body is welcome: that would cost a round trip.
            headers: (headers + added).map { "\($0.name): \($0.value)" } + ["Expect:"],
            body: converse.body, stallTimeout: Self.patience, followsRedirects: false)
    }
}

/// How far a service's clock is from this host's, as its refusals have told.
final class ServiceClock: Sendable {
    private let seconds = Mutex(0.0)

    /// Seconds by which the service's clock is ahead.
    var ahead: Double { seconds.withLock { $0 } }

    func set(ahead new: Double) { seconds.withLock { $0 = new } }
}

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

    /// By the service's clock.
    var now: Date { Date().addingTimeInterval(clock.ahead) }

    func setClockForward(by seconds: Double) { clock.setForward(by: seconds) }

    /// That a model may think before it says anything: AWS's documentation asks for an hour.
    private static let patience = Duration.seconds(3600)

    /// - Parameter payloadHash: of the body.
    /// - Returns: the request, signed for this moment.
    func request(_ converse: ConverseRequest, payloadHash: String) -> Curl.Request {
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

    func setForward(by more: Double) { seconds.withLock { $0 += more } }
}

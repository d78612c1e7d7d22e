import Foundation
import Node
import Testing

@Suite("Retries of hosted tiers")
struct RetryPlanTests {
    private static let now = Date(timeIntervalSince1970: 1_700_000_000)

    private static func refused(_ status: Int, _ code: String, clockAhead: Double? = nil) -> RetryPlan.Outcome {
        .refused(
            ConverseFailure(status: status, errorType: code, body: [], operation: .converse),
            date: clockAhead.map { now.addingTimeInterval($0) })
    }

    private static func lost(_ kind: CurlFailure.Kind) -> RetryPlan.Outcome {
        .noReply(CurlFailure(kind, reason: ""))
    }

    private static let soon = RetryPlan.Step.again(pause: 0.2)
    private static let later = RetryPlan.Step.again(pause: 3 * 0.4 / 2)

    @Test(arguments: [
        ([refused(429, "ThrottlingException")], [soon, later, .giveUp]),
        ([refused(500, "InternalServerException")], [soon, later, .giveUp]),
        ([refused(429, "ModelNotReadyException")], [soon, later, .giveUp]),
        ([refused(503, "x"), lost(.cut), lost(.unreachable)], [soon, later, .giveUp]),
        ([lost(.timeout)], [soon, later, .giveUp]),
        ([lost(.untrusted)], [.giveUp]), ([lost(.proxy)], [.giveUp]), ([lost(.badAddress)], [.giveUp]),
        ([refused(400, "ValidationException")], [.giveUp]), ([refused(403, "AccessDeniedException")], [.giveUp]),
        ([refused(408, "ModelTimeoutException")], [.giveUp]), ([refused(424, "ModelErrorException")], [.giveUp]),
        // The clock once, and only where it is away.
        (
            [refused(403, "InvalidSignatureException", clockAhead: 900)],
            [.correctClock(900), .giveUp]
        ),
        ([refused(403, "RequestExpired", clockAhead: -4000)], [.correctClock(-4000), .giveUp]),
        ([refused(403, "InvalidSignatureException", clockAhead: 5)], [.giveUp]),
        ([refused(403, "InvalidSignatureException")], [.giveUp]),
        ([refused(403, "AccessDeniedException", clockAhead: 900)], [.giveUp]),
        ([refused(403, "ExpiredTokenException")], [.renewCredentials, .giveUp]),
        // Neither counts as one of the three.
        (
            [
                refused(403, "InvalidSignatureException", clockAhead: 900), refused(403, "ExpiredTokenException"),
                refused(500, "x"),
            ], [.correctClock(900), .renewCredentials, soon, later, .giveUp]
        ),
    ])
    func `What follows`(outcomes: [RetryPlan.Outcome], steps: [RetryPlan.Step]) {
        var plan = RetryPlan()
        for (index, step) in steps.enumerated() {
            let outcome = outcomes[min(index, outcomes.count - 1)]
            #expect(plan.next(after: outcome, now: Self.now, chance: 0) == step, "step \(index)")
        }
    }

    @Test func `Chance shortens a pause by half at most`() {
        for chance in [0.0, 0.5, 0.999] {
            var plan = RetryPlan()
            guard case .again(let pause) = plan.next(after: Self.lost(.cut), now: Self.now, chance: chance) else {
                Issue.record("no second attempt")
                return
            }
            #expect((0.2...0.4).contains(pause))
        }
    }

    @Test(arguments: [
        ("https://bedrock-runtime.eu-central-1.amazonaws.com", "bedrock-runtime.eu-central-1.amazonaws.com", ""),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080", ""), ("https://vpc.example:443/a/b/", "vpc.example", "/a/b"),
        ("http://vpc.example:80", "vpc.example", ""), ("http://vpc.example:443", "vpc.example:443", ""),
        ("https://[::1]:8443/x", "[::1]:8443", "/x"),
    ])
    func `An endpoint's host is as libcurl sends it`(url: String, host: String, prefix: String) {
        let endpoint = BedrockEndpoint(url)
        #expect(endpoint?.host == host)
        #expect(endpoint?.prefix == prefix)
    }

    @Test(arguments: [
        "", "vpc.example", "ftp://vpc.example", "https://", "https:///x", "https://user@vpc.example",
        "https://vpc.example/a b", "https://vpc.example/?a=b", "https://vpc.example:0x1",
    ])
    func `What is no endpoint is refused`(url: String) { #expect(BedrockEndpoint(url) == nil) }
}

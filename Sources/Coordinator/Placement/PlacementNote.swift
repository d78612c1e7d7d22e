package import Cluster
import Wire

/// What became of a request at one host: for the ledger. It says nothing of the request's text.
package struct PlacementNote: Sendable {
    package var request: String
    /// `auto`, or the tier that was named.
    package var asked: String
    package var reason: String
    package var tier: String
    package var verdict: Verdict
    /// 0 at the first host that was asked.
    package var attempt: Int
    package var promptTokens: Int
    /// Seconds from the request to its first token; nil where there was none to be seen.
    package var firstToken: Double?
    /// Seconds from the request to its end.
    package var seconds: Double
    /// Of the reply; 0 without one.
    package var status: Int
    /// `served`, `refused`, `failed`, `broke off` or `client left`.
    package var outcome: String
}

extension PlacementNote {
    init(
        request: String, errand: PlacedRequest.Errand, reason: String, tier: String, verdict: Verdict, attempt: Int,
        firstToken: Double?, seconds: Double, status: Int, end: ExchangeEnd
    ) {
        let asked =
            switch errand.ask {
            case .auto: "auto"
            case .tier(let name), .here(let name): name
            }
        let outcome =
            switch end {
            case .clientLeft: "client left"
            case .broke where status < 400: "broke off"
            case .complete, .answered, .broke:
                switch status {
                case ..<400: "served"
                case 429: "refused"
                default: "failed"
                }
            }
        self.init(
            request: request, asked: asked, reason: reason, tier: tier, verdict: verdict, attempt: attempt,
            promptTokens: errand.work.promptTokens, firstToken: firstToken, seconds: seconds, status: status,
            outcome: outcome)
    }
}

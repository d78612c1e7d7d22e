/// Something that must never be, and was.
struct Violation: Sendable, CustomStringConvertible {
    enum Invariant: String, Sendable {
        case oneOutcome = "each request has one outcome"
        case noRetryAfterByte = "no host is asked after an upstream's byte has gone out"
        case attempts = "at most two hosts are asked for one request, and left before they fail"
        case budget = "retries stay within the budget"
        case target = "no host is asked that its router believes to be down, draining, foreign or too small"
        case slots = "at most slots + 1 requests are with an engine"
        case queue = "a queue is bounded"
        case count = "what admission counts is what is there"
        case last = "the last host of a tier is not excluded because it failed"
        case gone = "a client that left is in no queue"
        case epoch = "an older life of a node never follows a newer one"
        case cleanRecord = "a node that starts anew is not held to its former failures"
        case tier = "a request that names its tier gets that tier"
        case flaps = "health does not flap"
        case recovery = "nodes that can be reached are up 5 s after the last fault"
        case rest = "nothing is left in hand when nobody asks"
        case sizes = "what is kept is bounded"
        case restart = "a router that starts anew places as before once it has heard everybody"
    }

    var invariant: Invariant
    var text: String
    var moment: Moment

    var description: String { "\(invariant.rawValue): \(text)" }
}

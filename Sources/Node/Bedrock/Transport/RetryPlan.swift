package import Foundation

/// Decides what follows an attempt that brought nothing for the client: three in all, with pauses between them.
///
/// 1. A refusal of the signature's time, where the service's clock is away from ours: once more by its clock, which is none
///    of the three.
/// 2. Credentials that AWS takes no more: once more with others, where there are any.
/// 3. What passes by itself (throttling, faults of the service, a model that is not ready, a connection that failed): again
///    after a pause that grows, and that chance shortens, so that many who were refused at once do not return at once.
/// 4. Everything else, and the third: that is the answer.
package struct RetryPlan: Equatable, Sendable {
    /// As the AWS SDKs have it (retry mode "standard").
    package static let attempts = 3
    /// Seconds before the second attempt; before the third three times as many.
    static let firstPause = 0.4
    /// Seconds between two clocks below which a refused signature is not the clock's doing; AWS allows 300.
    static let tolerableSkew = 60.0

    /// What AWS calls a signature whose time it does not take; the first is what it calls a wrong one, too.
    private static let timeCodes: Set<String> = [
        "InvalidSignatureException", "RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    ]

    private static let credentialCodes: Set<String> = [
        "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
    ]

    package enum Outcome: Equatable, Sendable {
        /// With the service's time, where it says that.
        case refused(ConverseFailure, date: Date?)
        case noReply(CurlFailure)
    }

    package enum Step: Equatable, Sendable {
        /// After so many seconds.
        case again(pause: Double)
        /// At once, with the clock set forward by so many seconds.
        case correctClock(Double)
        /// At once, with other credentials.
        case renewCredentials
        case giveUp
    }

    /// Attempts that have been made, those of the wrong time not counted.
    package private(set) var made = 0
    private var hasCorrectedClock = false
    private var hasRenewed = false

    package init() {}

    /// - Parameters:
    ///   - now: by the clock that the signature went by.
    ///   - chance: from 0 up to 1.
    package mutating func next(after outcome: Outcome, now: Date, chance: Double) -> Step {
        // 1
        if case .refused(let failure, let date?) = outcome, !hasCorrectedClock, Self.timeCodes.contains(failure.code),
            abs(date.timeIntervalSince(now)) > Self.tolerableSkew
        {
            hasCorrectedClock = true
            return .correctClock(date.timeIntervalSince(now))
        }
        // 2
        if case .refused(let failure, _) = outcome, !hasRenewed, Self.credentialCodes.contains(failure.code) {
            hasRenewed = true
            return .renewCredentials
        }
        made += 1
        // 3
        let passes =
            switch outcome {
            case .refused(let failure, _): failure.isRetriable
            case .noReply(let failure): failure.isTransient
            }
        guard passes, made < Self.attempts else { return .giveUp }
        let pause = made == 1 ? Self.firstPause : 3 * Self.firstPause
        return .again(pause: pause * (1 + chance) / 2)
    }
}

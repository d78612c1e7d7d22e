package import Foundation

/// When credentials are to be renewed.
///
/// AWS's programs renew a quarter of an hour before the end without having anybody wait, and have everybody wait from
/// ten minutes before it. Credentials that live shorter than 45 minutes are renewed nearer to their end here, or they
/// would be renewed for every request.
package struct CredentialLifetime: Equatable, Sendable {
    package enum Verdict: Equatable, Sendable {
        case fresh
        /// To be used, and renewed meanwhile.
        case ageing
        /// To be renewed first; where that fails they are still good.
        case old
        case expired
    }

    /// nil: without an end.
    package var expiration: Date?
    /// When they were got.
    package var obtained: Date

    /// Seconds before the end from which they are renewed meanwhile, and first.
    static let windows: (meanwhile: TimeInterval, first: TimeInterval) = (15 * 60, 10 * 60)

    package init(expiration: Date?, obtained: Date) {
        self.expiration = expiration
        self.obtained = obtained
    }

    package func verdict(at now: Date) -> Verdict {
        guard let expiration else { return .fresh }
        let left = expiration.timeIntervalSince(now)
        let whole = expiration.timeIntervalSince(obtained)
        if left <= 0 { return .expired }
        if left < min(Self.windows.first, whole * 2 / 9) { return .old }
        if left < min(Self.windows.meanwhile, whole / 3) { return .ageing }
        return .fresh
    }
}

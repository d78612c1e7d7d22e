/// Whom a tier of this host serves now, who waits for it, and who is sent away.
package struct TierAdmission: Equatable, Sendable {
    /// Seconds for which a request may wait: a client that hears nothing for so long gives up (opencode does).
    package static let patience = 300.0
}

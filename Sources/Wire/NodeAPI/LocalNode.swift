package import Cluster

/// This host as its router shows it to others: the seam between the node agent, which watches the host, and the routes
/// that tell of it.
package protocol LocalNode: Sendable {
    /// As it is now.
    var description: NodeDescription { get }

    /// The description now and after each change; whoever is slow gets the newest and misses what was between.
    func descriptions() -> AsyncStream<NodeDescription>

    /// Takes new work of others again, or none any more.
    ///
    /// - Parameter reason: for people; nil takes work.
    func drain(_ reason: String?)
}

/// Lets requests onto this host's tiers, and counts them. Called on event loops: it must not block.
package protocol TierGate: Sendable {
    func enter(
        _ tier: String, _ request: AdmissionRequest, _ answer: @escaping @Sendable (AdmissionAnswer) -> Void
    ) -> AdmissionTicket
    func leave(_ ticket: AdmissionTicket, _ timings: ReplyTimings?)
}

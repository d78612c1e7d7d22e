package import Cluster

/// This host as its router shows it to others: the seam between the node agent, which watches the host, and the routes
/// that tell of it.
package protocol LocalNode: Sendable {
    /// As it is now.
    var description: NodeDescription { get }

    /// Rises with each change of it, but for those that requests make. Costs nothing to ask.
    var revision: UInt64 { get }

    /// The description now and after each change; whoever is slow gets the newest and misses what was between.
    func descriptions() -> AsyncStream<NodeDescription>

    /// Takes new work of others again, or none any more.
    ///
    /// - Parameter reason: for people; nil takes work.
    func drain(_ reason: String?)
}

/// Lets requests onto this host's tiers, and counts them. Called on event loops: it must not block.
package protocol TierGate: Sendable {
    /// Asks for a place at a tier. What is no tier of this host's lets everything in, and counts nothing.
    ///
    /// - Parameters:
    ///   - tier: the tier's name.
    ///   - answer: called with each piece of news, one after the other: `.queued` whenever the position has changed, then
    ///     `.admitted` or `.refused` once. On whatever thread, perhaps before this returns; it must not block, and may
    ///     call the gate. A call that was under way when ``leave(_:_:)`` was called may still come after it: then it is
    ///     to be passed over.
    func enter(
        _ tier: String, _ request: AdmissionRequest, _ answer: @escaping @Sendable (AdmissionAnswer) -> Void
    ) -> AdmissionTicket

    /// The request is done, has failed, or is given up while it waits: once for each ticket. After a refusal it is not
    /// needed and does nothing.
    ///
    /// - Parameter timings: what llama-server says of it, where it does.
    func leave(_ ticket: AdmissionTicket, _ timings: ReplyTimings?)
}

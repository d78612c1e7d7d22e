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

/// Follows the requests that go to this host's tiers. Called on event loops: it must not block.
package protocol TrafficMeter: Sendable {
    /// A request for a tier is on its way to llama-swap.
    ///
    /// - Parameter tier: the tier's name.
    func began(_ tier: String)

    /// It is over: once for each that began.
    ///
    /// - Parameter timings: what llama-server says of it, where it does.
    func ended(_ tier: String, _ timings: ReplyTimings?)
}

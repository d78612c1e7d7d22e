/// A rule that the simulation's own drivers break on purpose, to see that a check notices.
enum Break: String, CaseIterable, Sendable {
    /// A host lets in who should wait or be refused.
    case queue
    /// The router is told of hosts that are down that they are up.
    case down
    /// The router is told of hosts that drain that they take work.
    case draining
    /// A reply that broke off is asked for again.
    case byte
    /// A request goes on to a third host and more.
    case attempts
    /// Whatever waits goes to another host every second.
    case restless
    /// Nobody counts retries.
    case budget
    /// A host that started anew is still held to be the old one.
    case epoch
    /// An old description of a node is believed after a newer one.
    case stale
    /// Who left is not taken out of the queue.
    case leave
    /// A refusal is told, and then told again.
    case outcome
    /// What costs the same is chosen among by what the clock shows.
    case clock
}

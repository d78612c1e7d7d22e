/// The seconds that a request is expected to take on a host, by what takes them: `queue + load + prefill + 0.2 decode +
/// network`.
package struct Cost: Equatable, Sendable, BitwiseCopyable {
    /// Until a slot is free, and longer where the host is just back.
    package var queue: Double
    /// Until the model is loaded, and what reloading costs of what it drives out.
    package var load: Double
    /// Working through the prompt.
    package var prefill: Double
    /// Writing the reply.
    package var decode: Double
    /// The way there and back, and what speaks against the host.
    package var network: Double
    /// The part of ``load`` that others pay later, and of ``queue`` and ``network`` that nobody waits for.
    package var penalty = 0.0

    package init(queue: Double, load: Double, prefill: Double, decode: Double, network: Double, penalty: Double = 0) {
        self.queue = queue
        self.load = load
        self.prefill = prefill
        self.decode = decode
        self.network = network
        self.penalty = penalty
    }

    /// How much a second of decoding counts: the reply is read while it is written.
    package static let decodeWeight = 0.2

    package var total: Double { queue + load + prefill + Self.decodeWeight * decode + network }

    /// Seconds until the first token is there.
    package var firstToken: Double { max(0, queue + load + prefill + network - penalty) }
}

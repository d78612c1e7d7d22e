import Logging
import Wire

extension NodeAgent {
    /// Until a lost llama-swap is looked for again: it restarts within seconds, and a look is one connection on loopback.
    private static let firstPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(2)
    /// For an answer of a few kilobytes from this host, a busy one included.
    private static let patience = Duration.seconds(2)

    /// Follows the states of llama-swap's models for as long as the task lives.
    ///
    /// The events bring the states themselves. `/running` is asked at each new connection and before slots are asked for,
    /// but not at every event: llama-swap writes each request into its log, and each line of its log is an event.
    func followLlamaSwap() async {
        var pause = Self.firstPause
        while !Task.isCancelled {
            do {
                for try await event in EventStreamClient(endpoint: llamaSwap, path: "/api/events").events() {
                    pause = Self.firstPause
                    guard let report = LlamaSwapReport(event: event.data) else { continue }
                    took(report)
                }
            } catch EventStreamClient.Failure.status(let status) {
                // It is there, and does not tell its events: an old one, or one with a mind of its own.
                log.debug("llama-swap answers \(status) to /api/events: asking /running instead")
                if let report = await running() {
                    took(report)
                    try? await Task.sleep(for: Self.longestPause)
                    continue
                }
            } catch {
                log.debug("llama-swap: \(error)")
            }
            guard !Task.isCancelled else { return }
            update { $0.llamaSwapIsAway() }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    private func took(_ report: LlamaSwapReport) {
        let now = now
        update { $0.saw(states: report.states, at: now) }
        if !unaskedTiers.isEmpty { wantSlots.yield() }
    }

    private func running() async -> LlamaSwapReport? {
        guard let reply = try? await HTTPProbe.get("\(llamaSwap)/running", timeout: Self.patience), reply.status == 200
        else { return nil }
        return LlamaSwapReport(running: reply.body)
    }

    /// Asks each llama-server that has become ready for its slots, at its own port.
    func askForSlots() async {
        for await _ in slotsAreWanted {
            guard !unaskedTiers.isEmpty, let report = await running() else { continue }
            for tier in unaskedTiers {
                guard let address = report.addresses[tier], let endpoint = Endpoint(url: address),
                    Self.isLoopback(endpoint.host),
                    let reply = try? await HTTPProbe.get("\(endpoint)/props", timeout: Self.patience),
                    reply.status == 200, let slots = LlamaServerSlots(props: reply.body)
                else { continue }
                let now = now
                update { $0.saw(slots, of: tier, at: now) }
            }
        }
    }

    /// Whether a llama-server there is one of this host. llama-swap's configuration may name any other server instead.
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}

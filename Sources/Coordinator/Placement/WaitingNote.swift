import Cluster
import NIOCore
import Wire

/// What a client that waits for a chat is told: the load that it waits for, or its place in the line. It comes as reasoning,
/// which clients show and leave out of the conversation, as llama-swap does on one host.
enum WaitingNote {
    /// The only one that knows reasoning.
    static let path = "/v1/chat/completions"

    /// - Parameters:
    ///   - request: its name, by which another node tells of its place.
    ///   - standing: its place on this host.
    /// - Returns: nil where it waits for neither.
    static func text(
        tier: String, host: Host, request: String, standing: (position: Int, seconds: Double)?
    ) -> String? {
        let report = host.tiers.first { $0.name == tier }
        if let standing { return line(host.name, standing.position, standing.seconds) }
        guard let report else { return nil }
        if let position = report.waiting.firstIndex(where: { $0.request == request }) {
            return line(host.name, position, report.waiting[position].seconds)
        }
        guard report.state == .loading else { return nil }
        return "\(host.name) is loading \(tier)"
            + (report.loadRemaining.map { ", which takes about \(whole($0)) s more" } ?? "")
    }

    private static func line(_ host: String, _ position: Int, _ seconds: Double) -> String {
        (position == 0 ? "next in line on \(host)" : "\(position) before this one on \(host)")
            + (seconds < 1 ? "" : ", about \(whole(seconds)) s")
    }

    private static func whole(_ seconds: Double) -> Int { Int(min(max(seconds, 0), 86_400).rounded(.up)) }

    /// A chunk of a chat's stream, marked as what a router says by itself.
    static func event(of text: String, id: String, model: String) -> ByteBuffer {
        ByteBuffer(
            string: """
                \(WholeEvents.noteMark)data: {"id":\(("chatcmpl-" + id).jsonQuoted),"object":"chat.completion.chunk","created":0,\
                "model":\(model.jsonQuoted),"choices":[{"index":0,"delta":{"role":"assistant",\
                "reasoning_content":\((text + "\n").jsonQuoted)},"finish_reason":null}]}\n\n
                """)
    }
}

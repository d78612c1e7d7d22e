/// The events of a ConverseStream reply, as the frames of OpenAI's event stream.
///
/// Feed it every event in its order, then tell it how the stream ended. Each call returns the bytes to send at once,
/// often none; after ``end(_:)`` or ``fail(_:)`` there are no more.
package struct ConverseStream: Sendable {
    package enum Ending: Sendable {
        /// AWS closed the stream.
        case complete
        /// The connection broke, or the stream stopped inside an event.
        case lost
    }

    private enum Stage { case silent, speaking, finished, over }

    private let chunks: ChunkWriter
    private let includesUsage: Bool
    private var stage = Stage.silent
    private var usage: JSONValue?
    private var tools: [OpenTool] = []

    /// A tool call; its place in ``tools`` is its index for the client.
    private struct OpenTool {
        var block: Int
        var hasArguments = false
    }

    package init(_ shape: ReplyShape, stamp: ReplyStamp) {
        chunks = ChunkWriter(shape, stamp: stamp)
        includesUsage = shape.includesUsage
    }

    /// Whether all has been said.
    package var isOver: Bool { stage == .over }

    /// One message of the event stream.
    ///
    /// - Parameters:
    ///   - eventType: the header `:event-type`, or `:exception-type` (`:error-code`) where `isException`.
    ///   - isException: whether `:message-type` is `exception` or `error`.
    package mutating func take(eventType: String, isException: Bool, payload: [UInt8]) -> [UInt8] {
        guard !isOver else { return [] }
        if isException { return fail(ConverseFailure(exception: eventType, payload: payload)) }
        switch eventType {
        case "messageStart": return opening()
        case "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata":
            guard let event = JSONValue(parsing: payload) else { return fail(.unreadable) }
            return opening() + frames(for: eventType, event)
        default: return []
        }
    }

    /// A failure before the first event, between two, or instead of the rest.
    package mutating func fail(_ failure: ConverseFailure) -> [UInt8] {
        guard !isOver else { return [] }
        let frames = opening() + finish(.error)
        stage = .over
        return frames + Array("data: ".utf8) + failure.body + Array("\n\n".utf8)
    }

    /// A reply that is lost after its `messageStop` is complete all the same: at most its token counts are missing.
    package mutating func end(_ ending: Ending) -> [UInt8] {
        guard !isOver else { return [] }
        if ending == .lost, stage != .finished { return fail(.lost) }
        var frames = opening() + finish(.stop)
        stage = .over
        if includesUsage { frames += chunks.usage(usage ?? TokenUsage(nil).json) }
        return frames + Array("data: [DONE]\n\n".utf8)
    }

    private mutating func opening() -> [UInt8] {
        guard stage == .silent else { return [] }
        stage = .speaking
        return chunks.opening
    }

    private mutating func finish(_ reason: FinishReason) -> [UInt8] {
        guard stage != .finished else { return [] }
        stage = .finished
        return chunks.finish(reason)
    }

    private mutating func frames(for eventType: String, _ event: JSONValue) -> [UInt8] {
        let block = event["contentBlockIndex"]?.integer ?? 0
        switch eventType {
        case "contentBlockDelta": return delta(event["delta"], block: block)
        case "contentBlockStart":
            guard let use = event["start"]?["toolUse"], let name = use["name"]?.text else { return [] }
            tools.append(OpenTool(block: block))
            return chunks.toolCall(tools.count - 1, id: use["toolUseId"]?.text ?? "", name: name)
        case "contentBlockStop":
            // A call without arguments must still be JSON to the client.
            guard let index = tools.lastIndex(where: { $0.block == block }), !tools[index].hasArguments else {
                return []
            }
            tools[index].hasArguments = true
            return chunks.arguments("{}", of: index)
        case "messageStop": return finish(FinishReason(stopReason: event["stopReason"]?.text))
        default:
            // Before or after messageStop: it is told at the end.
            usage = TokenUsage(event["usage"]).json
            return []
        }
    }

    /// Thoughts (reasoningContent) have no place in the reply.
    private mutating func delta(_ delta: JSONValue?, block: Int) -> [UInt8] {
        if let text = delta?["text"]?.text { return text.isEmpty ? [] : chunks.text(text) }
        guard let input = delta?["toolUse"]?["input"]?.text, !input.isEmpty,
            let index = tools.lastIndex(where: { $0.block == block })
        else { return [] }
        tools[index].hasArguments = true
        return chunks.arguments(input, of: index)
    }
}

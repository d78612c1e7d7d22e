/// Writes the frames of one stream. What they have in common is made once.
struct ChunkWriter: Sendable {
    private let kind: CompletionKind
    /// `data: {` up to `choices`, which is not in it.
    private let head: [UInt8]

    init(_ shape: ReplyShape, stamp: ReplyStamp) {
        kind = shape.kind
        var head = Array("data: {\"id\":".utf8)
        JSONValue.writeQuoted(stamp.id, into: &head)
        head += (kind == .chat ? ",\"object\":\"chat.completion.chunk\"" : ",\"object\":\"text_completion\"").utf8
        head += ",\"created\":\(stamp.created),\"model\":".utf8
        JSONValue.writeQuoted(shape.model, into: &head)
        head.append(UInt8(ascii: ","))
        self.head = head
    }

    /// The chunk that says who speaks; completions have none.
    var opening: [UInt8] {
        kind == .chat ? choice { $0 += "{\"role\":\"assistant\"}".utf8 } : []
    }

    func text(_ text: String) -> [UInt8] {
        choice(room: text.utf8.count) { frame in
            if kind == .chat { frame += "{\"content\":".utf8 }
            JSONValue.writeQuoted(text, into: &frame)
            if kind == .chat { frame.append(UInt8(ascii: "}")) }
        }
    }

    /// The start of a call. Completions know no tools.
    func toolCall(_ index: Int, id: String, name: String) -> [UInt8] {
        guard kind == .chat else { return [] }
        return choice { frame in
            frame += "{\"tool_calls\":[{\"index\":\(index),\"id\":".utf8
            JSONValue.writeQuoted(id, into: &frame)
            frame += ",\"type\":\"function\",\"function\":{\"name\":".utf8
            JSONValue.writeQuoted(name, into: &frame)
            frame += ",\"arguments\":\"\"}}]}".utf8
        }
    }

    /// More of a call's arguments.
    func arguments(_ text: String, of index: Int) -> [UInt8] {
        guard kind == .chat else { return [] }
        return choice(room: text.utf8.count) { frame in
            frame += "{\"tool_calls\":[{\"index\":\(index),\"function\":{\"arguments\":".utf8
            JSONValue.writeQuoted(text, into: &frame)
            frame += "}}]}".utf8
        }
    }

    func finish(_ reason: FinishReason) -> [UInt8] {
        choice(finish: "\"\(reason.rawValue)\"") { $0 += (kind == .chat ? "{}" : "\"\"").utf8 }
    }

    func usage(_ usage: JSONValue) -> [UInt8] {
        var frame = head
        frame += "\"choices\":[],\"usage\":".utf8
        usage.write(into: &frame)
        frame += "}\n\n".utf8
        return frame
    }

    /// - Parameters:
    ///   - finish: `finish_reason` as JSON.
    ///   - content: writes the delta or the text.
    private func choice(finish: String = "null", room: Int = 0, _ content: (inout [UInt8]) -> Void) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(head.count + room + 160)
        frame += head
        frame += (kind == .chat ? "\"choices\":[{\"index\":0,\"delta\":" : "\"choices\":[{\"index\":0,\"text\":").utf8
        content(&frame)
        if kind == .text { frame += ",\"logprobs\":null".utf8 }
        frame += ",\"finish_reason\":".utf8
        frame += finish.utf8
        frame += "}]}\n\n".utf8
        return frame
    }
}

/// A message's `content`: a text, or a list of parts.
enum MessageContent {
    /// What may be in a message, by who says it.
    enum Place: String {
        case system, user, assistant, tool

        var takesImages: Bool { self == .user || self == .tool }
    }

    /// - Returns: texts and images in their order; texts in a row are one, joined by line feeds. Empty ones are left out.
    /// - Throws: for an image, a sound or a file that Converse has no place for.
    static func blocks(_ content: JSONValue?, in place: Place) throws(ConverseRefusal) -> [ConverseBlock] {
        switch content {
        case nil, .null?: return []
        case .string(let text)?: return text.isEmpty ? [] : [.text(text)]
        case .array(let parts)?: return try blocks(parts: parts, in: place)
        case .object(let part)? where part["type"] != nil: return try blocks(parts: [.object(part)], in: place)
        case let other?: return [.text(other.text(.compact))]
        }
    }

    /// The texts alone.
    static func text(_ content: JSONValue?, in place: Place) throws(ConverseRefusal) -> String {
        var texts: [String] = []
        for case .text(let text) in try blocks(content, in: place) { texts.append(text) }
        return texts.joined(separator: "\n")
    }

    private static func blocks(parts: [JSONValue], in place: Place) throws(ConverseRefusal) -> [ConverseBlock] {
        var blocks: [ConverseBlock] = []
        var run: [String] = []
        for part in parts {
            guard let block = try block(part, in: place) else { continue }
            if case .text(let text) = block {
                run.append(text)
            } else {
                if !run.isEmpty { blocks.append(.text(run.joined(separator: "\n"))) }
                run = []
                blocks.append(block)
            }
        }
        if !run.isEmpty { blocks.append(.text(run.joined(separator: "\n"))) }
        return blocks
    }

    private static func block(_ part: JSONValue, in place: Place) throws(ConverseRefusal) -> ConverseBlock? {
        if let text = part.text { return text.isEmpty ? nil : .text(text) }
        switch part["type"]?.text {
        case "image_url", "input_image":
            guard place.takesImages else {
                throw ConverseRefusal(
                    "unsupported_content",
                    "A hosted tier takes images in messages of users and tools, not in \(place.rawValue) messages.")
            }
            let link = part["image_url"]
            return try ImageLink.block(link?.text ?? link?["url"]?.text)
        case let type? where refused.contains(type):
            throw ConverseRefusal(
                "unsupported_content",
                "A hosted tier takes text and images; a part of type \(type) cannot be sent to it. Leave it out.")
        case "refusal": return nonempty(part["refusal"]?.text)
        default: return nonempty(part["text"]?.text)
        }
    }

    /// Parts whose loss would change what the user asks. Others without a text (a thought, say) are left out silently.
    private static let refused: Set<String> = [
        "audio", "document", "file", "image", "input_audio", "input_file", "input_video", "video", "video_url",
    ]

    private static func nonempty(_ text: String?) -> ConverseBlock? {
        text.flatMap { $0.isEmpty ? nil : .text($0) }
    }
}

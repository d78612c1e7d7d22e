/// An image inside a message. Converse takes its bytes, so only a data URL has one: nothing is fetched for a client.
enum ImageLink {
    /// By media type; see the ImageBlock of Converse's API reference.
    private static let formats = [
        "image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp",
    ]

    /// - Parameter url: `data:image/png;base64,…`
    /// - Returns: nil for a data URL without data, which shows nothing.
    static func block(_ url: String?) throws(ConverseRefusal) -> ConverseBlock? {
        guard let url, url.utf8.prefix(5).elementsEqual("data:".utf8) else {
            throw refusal("needs its bytes in the request: a URL like data:image/png;base64,…")
        }
        guard let comma = url.utf8.firstIndex(of: 0x2C) else { return nil }
        let parameters = url[..<comma].dropFirst(5).lowercased().split(separator: ";", omittingEmptySubsequences: false)
        let mediaType = String(parameters.first ?? "")
        guard let format = formats[mediaType] else {
            throw refusal("must be PNG, JPEG, GIF or WebP, not \(mediaType.isEmpty ? "of no type" : mediaType)")
        }
        guard parameters.dropFirst().contains("base64"), let base64 = base64(url[url.utf8.index(after: comma)...])
        else { throw refusal("must be in base64") }
        return .image(format: format, base64: base64)
    }

    private static func refusal(_ wish: String) -> ConverseRefusal {
        ConverseRefusal("invalid_image_url", "An image for a hosted tier \(wish).")
    }

    /// - Returns: standard base64 with padding, from any of its dialects; nil for what is none.
    private static func base64(_ text: Substring) -> String? {
        // Megabytes, nearly always as they should be.
        if text.utf8.withContiguousStorageIfAvailable(isStandard) == true { return String(text) }
        var digits: [UInt8] = []
        digits.reserveCapacity(text.utf8.count + 2)
        var padding = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "="): padding += 1
            case 0x20, 0x0A, 0x0D, 0x09: continue
            case _ where padding > 0: return nil
            case UInt8(ascii: "-"): digits.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): digits.append(UInt8(ascii: "/"))
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "/"): digits.append(byte)
            default: return nil
            }
        }
        let missing = (4 - digits.count % 4) % 4
        guard !digits.isEmpty, missing < 3, padding <= 2 else { return nil }
        digits += Array(repeating: UInt8(ascii: "="), count: missing)
        return String(decoding: digits, as: UTF8.self)
    }

    private static func isStandard(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard !text.isEmpty, text.count % 4 == 0 else { return false }
        let padding = text.reversed().prefix(2).prefix { $0 == UInt8(ascii: "=") }.count
        return text.dropLast(padding).allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "/"): true
            default: false
            }
        }
    }
}

/// Names a node for as long as it is installed, whatever it is called and wherever it is: 16 characters of base32.
package struct NodeID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String

    package init(_ text: String) { description = text }

    package init(from decoder: any Decoder) throws {
        description = try decoder.singleValueContainer().decode(String.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Names a node for as long as it is installed, whatever it is called and wherever it is: 16 characters of base32.
package struct NodeID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package init(_ text: String) { rawValue = text }

    package var description: String { rawValue }
}

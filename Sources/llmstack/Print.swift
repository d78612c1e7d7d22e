import Foundation
import Node

/// In place of Swift's own, which holds back what it prints and does not tell when that is lost.
func print(_ text: String, terminator: String = "\n") {
    StandardStream.output.put(text + terminator)
}

extension JSONEncoder {
    /// One line for programs.
    static func line(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

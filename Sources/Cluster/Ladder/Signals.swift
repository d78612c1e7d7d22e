/// Which of the ladder's patterns occur in a text.
package struct Signals: OptionSet, Sendable, Hashable, Codable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let uncensoredTrigger = Signals(rawValue: 1 << 0)
    package static let ultraTrigger = Signals(rawValue: 1 << 1)
    package static let plan = Signals(rawValue: 1 << 2)
    package static let agent = Signals(rawValue: 1 << 3)
    package static let code = Signals(rawValue: 1 << 4)

    /// Those that count only in the latest user message and in system prompts.
    package static let triggers: Signals = [.uncensoredTrigger, .ultraTrigger]
}

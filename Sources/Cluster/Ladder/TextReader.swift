/// Reads one message's text, in pieces as they come, for the signals in it and its length.
///
/// A piece may end within a character; the rest of it is kept until the next.
package struct TextReader: Sendable {
    private let automaton: Automaton
    private var state: Automaton.State
    private var code = CodeSpans()
    /// Leading bytes of a character whose last are not here yet, oldest in the lowest byte.
    private var partial: UInt32 = 0
    private var partialCount: UInt8 = 0

    /// Of everything read since the last ``restart()``.
    package private(set) var signals: Signals = []
    /// Unicode code points read since the last ``restart()``.
    package private(set) var characters = 0

    package init(_ automaton: Automaton) {
        self.automaton = automaton
        state = automaton.start
    }

    /// Forgets what was read: the next piece begins another text.
    package mutating func restart() {
        state = automaton.start
        code.restart()
        partialCount = 0
        signals = []
        characters = 0
    }

    package mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) {
        var bytes = bytes
        while partialCount > 0, let byte = bytes.first {
            partial |= UInt32(byte) << (8 * UInt32(partialCount))
            partialCount += 1
            bytes = UnsafeBufferPointer(rebasing: bytes.dropFirst())
            if Int(partialCount) == scalarLength(UInt8(truncatingIfNeeded: partial)) { flushPartial() }
        }
        let whole = bytes.count - incompleteTail(bytes)
        readWhole(UnsafeBufferPointer(rebasing: bytes[..<whole]))
        for byte in bytes[whole...] {
            partial = partialCount == 0 ? UInt32(byte) : partial | UInt32(byte) << (8 * UInt32(partialCount))
            partialCount += 1
        }
    }

    /// A character that was written as an escape.
    package mutating func read(_ scalar: Unicode.Scalar) {
        flushPartial()
        state = automaton.read(scalar, from: state, into: &signals)
        code.read(scalar)
        characters &+= 1
    }

    /// Between two parts of one message.
    package mutating func breakPart() {
        flushPartial()
        state = automaton.breakPart(from: state, into: &signals)
        code.breakPart()
    }

    /// - Returns: the signals of the text, which is complete.
    package mutating func finish() -> Signals {
        flushPartial()
        automaton.finish(from: state, into: &signals)
        if code.found { signals.insert(.code) }
        return signals
    }

    private mutating func readWhole(_ bytes: UnsafeBufferPointer<UInt8>) {
        state = automaton.read(bytes, from: state, into: &signals)
        code.read(bytes)
        characters &+= countScalars(bytes)
    }

    private mutating func flushPartial() {
        guard partialCount > 0 else { return }
        withUnsafeBytes(of: partial.littleEndian) { raw in
            let bytes = UnsafeBufferPointer(rebasing: raw.bindMemory(to: UInt8.self)[..<Int(partialCount)])
            readWhole(bytes)
        }
        partialCount = 0
        partial = 0
    }
}

/// Bytes at the end that lead a character but do not complete it: 0 to 3.
private func incompleteTail(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    for back in 1...3 where back <= bytes.count {
        let byte = bytes[bytes.count - back]
        if byte & 0xC0 == 0x80 { continue }
        return scalarLength(byte) > back ? back : 0
    }
    return 0
}

/// Code points in UTF-8: bytes that do not continue one. Eight bytes at a time; the per-byte sums of up to 255 words are
/// added by a multiplication (Warren, "Hacker's Delight", 2nd edition, section 5-1).
private func countScalars(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    guard let base = UnsafeRawPointer(bytes.baseAddress) else { return 0 }
    let count = bytes.count
    var continuations = 0
    var index = 0
    while index &+ 8 <= count {
        var sums: UInt64 = 0
        var words = 0
        while words < 255, index &+ 8 <= count {
            let word = base.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            sums &+= (word >> 7) & ~(word >> 6) & 0x0101_0101_0101_0101
            index &+= 8
            words &+= 1
        }
        let pairs = (sums & 0x00FF_00FF_00FF_00FF) &+ ((sums >> 8) & 0x00FF_00FF_00FF_00FF)
        continuations &+= Int((pairs &* 0x0001_0001_0001_0001) >> 48)
    }
    while index < count {
        if bytes[index] & 0xC0 == 0x80 { continuations &+= 1 }
        index &+= 1
    }
    return count &- continuations
}

/// Reads one text after the other, each in pieces as they come, for the signals in it and its length.
///
/// Short pieces are gathered: between two escapes of a JSON string there are mostly a few dozen characters, and the automaton
/// is several times as fast on some thousand.
package struct TextReader: Sendable {
    /// Bytes that are gathered before they are read; a piece of half as many is not copied.
    private static let capacity = 8 << 10

    private let vocabulary: Vocabulary
    private let maySkip: Bool
    private var gathered: [UInt8] = []
    private var state: Automaton.State
    private var code = CodeSpans()
    private var looksForPhrases = true
    /// Of the texts before this one, as far as they are judged together with it.
    private var signalsBefore: Signals = []
    private var charactersBefore = 0

    /// Of everything read since the last ``restart(after:characters:)``. Of plan, agent and code only so much is sure to
    /// be here as the ladder needs for its decision.
    private var signals: Signals = []
    private var characters = 0
    /// Whether phrases have been passed over, because they did not matter.
    package private(set) var hasSkipped = false

    /// - Parameter skips: whether phrases are passed over once they do not matter.
    package init(_ vocabulary: Vocabulary, skips: Bool = true) {
        self.vocabulary = vocabulary
        maySkip = skips
        state = vocabulary.everything.start
    }

    /// The next piece begins another text.
    ///
    /// - Parameters:
    ///   - signals: of the texts that are judged together with it.
    ///   - characters: likewise.
    package mutating func restart(after signals: Signals = [], characters: Int = 0) {
        signalsBefore = signals
        charactersBefore = characters
        self.signals = []
        self.characters = 0
        gathered.removeAll(keepingCapacity: true)
        code = CodeSpans()
        looksForPhrases = !maySkip || vocabulary.phrasesMatter(signals: signals, characters: characters)
        state = looksForPhrases ? vocabulary.everything.start : vocabulary.triggers.start
    }

    package mutating func read(_ piece: UnsafeBufferPointer<UInt8>) {
        if gathered.isEmpty, piece.count >= Self.capacity / 2 {
            let whole = piece.count - incompleteTail(piece)
            readWhole(UnsafeBufferPointer(rebasing: piece[..<whole]))
            gathered.append(contentsOf: piece[whole...])
            return
        }
        if gathered.capacity == 0 { gathered.reserveCapacity(Self.capacity) }
        gathered.append(contentsOf: piece)
        if gathered.count >= Self.capacity { readGathered(all: false) }
    }

    /// A character that was written as an escape.
    package mutating func read(_ scalar: Unicode.Scalar) {
        if scalar.isASCII { gathered.append(UInt8(scalar.value)) } else { gathered.append(contentsOf: scalar.utf8) }
        if gathered.count >= Self.capacity { readGathered(all: false) }
    }

    /// Between two parts of one message.
    package mutating func breakPart() {
        readGathered(all: true)
        code.breakPart()
        state =
            looksForPhrases
            ? vocabulary.everything.breakPart(from: state, into: &signals)
            : vocabulary.triggers.breakPart(from: state, into: &signals)
    }

    /// - Returns: the signals of the text, which is complete, and its length in Unicode code points.
    package mutating func finish() -> (signals: Signals, characters: Int) {
        readGathered(all: true)
        if looksForPhrases { vocabulary.everything.finish(from: state, into: &signals) }
        if code.found { signals.insert(.code) }
        return (signals, characters)
    }

    /// - Parameter all: whether a character that has begun is complete as it is.
    private mutating func readGathered(all: Bool) {
        guard !gathered.isEmpty else { return }
        // Taken out, so that it is not copied when what it belongs to changes.
        var bytes: [UInt8] = []
        swap(&bytes, &gathered)
        let whole = bytes.withUnsafeBufferPointer { buffer in
            let whole = buffer.count - (all ? 0 : incompleteTail(buffer))
            readWhole(UnsafeBufferPointer(rebasing: buffer[..<whole]))
            return whole
        }
        bytes.removeFirst(whole)
        swap(&bytes, &gathered)
    }

    private mutating func readWhole(_ bytes: UnsafeBufferPointer<UInt8>) {
        let marks: Automaton.Marks
        if looksForPhrases {
            marks = vocabulary.everything.read(bytes, from: &state, into: &signals)
            if marks.contains(.backtick) || code.isOpen { code.read(bytes) }
        } else {
            hasSkipped = true
            marks = vocabulary.triggers.readSkipping(bytes, from: &state, into: &signals)
        }
        characters &+= marks.contains(.beyondASCII) ? countScalars(bytes) : bytes.count
        if looksForPhrases { stopLookingForPhrases() }
    }

    /// Once phrases do not matter any more and neither one nor a trigger is half read.
    private mutating func stopLookingForPhrases() {
        guard maySkip else { return }
        var all = signalsBefore.union(signals)
        if code.found { all.insert(.code) }
        guard !vocabulary.phrasesMatter(signals: all, characters: charactersBefore + characters),
            let rest = vocabulary.everything.rest(at: state)
        else { return }
        looksForPhrases = false
        state = vocabulary.triggers.state(of: rest)
    }
}

extension Unicode.Scalar {
    fileprivate var utf8: Unicode.UTF8.EncodedScalar {
        Unicode.UTF8.encode(self) ?? Unicode.UTF8.encodedReplacementCharacter
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

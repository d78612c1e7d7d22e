/// The ladder's triggers and phrase lists as one deterministic automaton: a text is read once, a table look-up per
/// character, whatever it holds.
///
/// Patterns become a nondeterministic automaton (Thompson, "Regular Expression Search Algorithm", CACM 11(6), 1968),
/// which the subset construction makes deterministic when models.ini is read. `\b` and `^` are decided on the edge
/// between two characters, so an edge carries the signals that it completes.
package struct Automaton: Sendable {
    /// Row offset of a state in the table. It also remembers what the last character was, for `\b` and `^`.
    package typealias State = UInt32

    /// Entry: next row's offset in the low 24 bits, completed ``Signals`` in the high 8.
    private let table: [UInt32]
    /// Column of each scalar below U+10000; above, the scalar's own properties tell (see ``column(of:)``).
    private let columns: [UInt16]
    private let word: UInt16
    private let space: UInt16
    private let other: UInt16
    private let partBreak: UInt16
    private let end: UInt16
    private let astral: [Unicode.Scalar: UInt16]
    /// For each column, the state of having seen nothing but a character of it.
    private let restStates: [State]
    private let restInWord: State
    private let restBetweenWords: State
    /// In the high byte of an entry: the signals, and above them the ``Marks`` of the character.
    private static let signalBits: UInt8 = 0x1F
    static let markShift: UInt8 = 6

    /// State at the start of a text.
    package let start: State
    package let stateCount: Int

    package init(plan: [Phrase], agent: [Phrase]) {
        self.init([
            (.uncensoredTrigger, .uncensoredTrigger), (.ultraTrigger, .ultraTrigger),
            (.plan, .any(of: plan.map(\.pattern))), (.agent, .any(of: agent.map(\.pattern))),
        ])
    }

    private init(_ patterns: [(Signals, Pattern)]) {
        let alphabet = Alphabet(patterns.map(\.1))
        var builder = SubsetConstruction(alphabet: alphabet)
        for (signal, pattern) in patterns { builder.add(pattern, signal: signal) }
        let built = builder.build()
        table = built.table
        start = built.start
        stateCount = built.states
        restStates = built.restStates
        restInWord = built.restStates[Int(built.columnOfSymbol[Alphabet.word])]
        restBetweenWords = built.restStates[Int(built.columnOfSymbol[Alphabet.space])]
        columns = (0..<0x10000).map { value in
            Unicode.Scalar(UInt32(value)).map { built.columnOfSymbol[alphabet.symbol(of: $0)] }
                ?? built.columnOfSymbol[Alphabet.other]
        }
        word = built.columnOfSymbol[Alphabet.word]
        space = built.columnOfSymbol[Alphabet.space]
        other = built.columnOfSymbol[Alphabet.other]
        partBreak = built.columnOfSymbol[Alphabet.partBreak]
        end = built.columnOfSymbol[Alphabet.end]
        astral = alphabet.astral.mapValues { built.columnOfSymbol[$0] }
    }

    // MARK: Reading

    /// Bytes from which on a text is worth reading in several places at once.
    private static let parallelLength = 512

    /// What is worth knowing of a piece of text beside its signals.
    struct Marks: OptionSet {
        let rawValue: UInt8
        static let beyondASCII = Marks(rawValue: 1)
        static let backtick = Marks(rawValue: 2)
    }

    /// Reads UTF-8 that holds whole characters only: ``TextReader`` sees to that. Malformed bytes count as a
    /// character that no pattern has.
    func read(_ bytes: UnsafeBufferPointer<UInt8>, from state: inout State, into signals: inout Signals) -> Marks {
        guard let base = bytes.baseAddress else { return [] }
        return withTables { tables in
            var found: UInt32 = 0
            var head = Head(at: base, end: base + bytes.count, row: state)
            if bytes.count < Self.parallelLength {
                tables.run(&head, &found)
            } else {
                readInParallel(bytes, &head, &found, tables)
            }
            state = head.row
            let all = UInt8(truncatingIfNeeded: found >> 24)
            signals.formUnion(Signals(rawValue: all & Self.signalBits))
            return Marks(rawValue: all >> Self.markShift)
        }
    }

    /// Likewise, where only what begins at `[` or at the start of a line can be found: from every state of rest it goes
    /// on at the next of them.
    func readSkipping(
        _ bytes: UnsafeBufferPointer<UInt8>, from state: inout State, into signals: inout Signals
    ) -> Marks {
        guard let base = bytes.baseAddress else { return [] }
        return withTables { tables in
            var found: UInt32 = 0
            var passed: UInt64 = 0
            var head = Head(at: base, end: base + bytes.count, row: state)
            while head.isInside {
                if head.row == restInWord || head.row == restBetweenWords {
                    let next = firstIndex(
                        of: UInt8(ascii: "["), or: UInt8(ascii: "\n"), in: bytes, from: head.at - base, passed: &passed)
                    head.at = base + next
                    // What was skipped ends with something or other; no trigger asks what.
                    if next == bytes.count { break }
                }
                tables.step(&head, &found)
            }
            state = head.row
            let all = UInt8(truncatingIfNeeded: found >> 24)
            signals.formUnion(Signals(rawValue: all & Self.signalBits))
            let marks = Marks(rawValue: all >> Self.markShift)
            return passed & 0x8080_8080_8080_8080 == 0 ? marks : marks.union(.beyondASCII)
        }
    }

    /// What is known at a state of rest: nothing but the kind of the last character.
    enum Rest { case inWord, betweenWords, lineStart }

    /// - Returns: nil while something is half read.
    func rest(at state: State) -> Rest? {
        switch state {
        case restInWord: .inWord
        case restBetweenWords: .betweenWords
        case start: .lineStart
        default: nil
        }
    }

    func state(of rest: Rest) -> State {
        switch rest {
        case .inWord: restInWord
        case .betweenWords: restBetweenWords
        case .lineStart: start
        }
    }

    /// Reads four quarters of a text at once.
    ///
    /// Each step of an automaton waits for the one before, so one head leaves most of a processor idle. The quarters
    /// behind the first start in the state of having seen nothing but their last character. That state's set of NFA
    /// states is part of the true one, so it finds nothing that is not there; what it misses, because a phrase runs
    /// across the border, is found when the true state is known: it is led from the border on until it meets the
    /// guessed one, mostly within a word (after Ladner and Fischer, "Parallel prefix computation", JACM 27(4), 1980,
    /// and Mytkowicz et al., "Data-parallel finite-state machines", ASPLOS 2014).
    private func readInParallel(
        _ bytes: UnsafeBufferPointer<UInt8>, _ first: inout Head, _ found: inout UInt32, _ tables: Tables
    ) {
        let border1 = border(bytes, bytes.count / 4)
        let border2 = border(bytes, bytes.count / 2)
        let border3 = border(bytes, bytes.count / 4 * 3)
        let end = first.end
        first.end = border1.at
        var second = Head(at: border1.at, end: border2.at, row: border1.guess)
        var third = Head(at: border2.at, end: border3.at, row: border2.guess)
        var fourth = Head(at: border3.at, end: end, row: border3.guess)
        tables.run(&first, &second, &third, &fourth, &found)
        tables.run(&first, &found)
        for (border, head) in [(border1, second), (border2, third), (border3, fourth)] {
            var guessed = Head(at: border.at, end: head.end, row: border.guess)
            first.end = head.end
            while first.row != guessed.row, first.isInside {
                tables.step(&first, &found)
                tables.step(&guessed, &found)
            }
            if first.row != guessed.row { continue }
            var rest = head
            tables.run(&rest, &found)
            first = rest
        }
    }

    /// The first whole character at or behind an offset, and the state of having seen only the one before it.
    private func border(_ bytes: UnsafeBufferPointer<UInt8>, _ offset: Int) -> (at: UnsafePointer<UInt8>, guess: State)
    {
        var index = offset
        while index < bytes.count, bytes[index] & 0xC0 == 0x80 { index += 1 }
        var lead = index - 1
        while lead > index - 4, lead > 0, bytes[lead] & 0xC0 == 0x80 { lead -= 1 }
        let base = bytes.baseAddress.unsafelyUnwrapped
        let (scalar, length) = decodeScalar(base + lead, index - lead)
        let before = lead + length == index ? scalar : 0xFFFD
        let column = before < 0x10000 ? columns[Int(before)] : column(ofAstral: before)
        return (base + index, restStates[Int(column)])
    }

    private func withTables<R>(_ body: (Tables) -> R) -> R {
        table.withUnsafeBufferPointer { table in
            columns.withUnsafeBufferPointer { columns in
                body(
                    Tables(
                        table: table.baseAddress.unsafelyUnwrapped, columns: columns.baseAddress.unsafelyUnwrapped,
                        automaton: self))
            }
        }
    }

    /// A place in a text, and the state there.
    private struct Head {
        var at: UnsafePointer<UInt8>
        var end: UnsafePointer<UInt8>
        var row: State

        var isInside: Bool { at < end }

        /// The next eight bytes, the first one lowest.
        var word: UInt64 { UInt64(littleEndian: UnsafeRawPointer(at).loadUnaligned(as: UInt64.self)) }
    }

    private struct Tables {
        let table: UnsafePointer<UInt32>
        let columns: UnsafePointer<UInt16>
        let automaton: Automaton

        @inline(__always)
        func step(_ head: inout Head, _ found: inout UInt32) {
            let byte = head.at.pointee
            let column: UInt16
            if byte < 0x80 {
                column = columns[Int(byte)]
                head.at += 1
            } else {
                let (scalar, length) = decodeScalar(head.at, head.end - head.at)
                head.at += length
                column = scalar < 0x10000 ? columns[Int(scalar)] : automaton.column(ofAstral: scalar)
                found |= UInt32(Marks.beyondASCII.rawValue) << UInt32(Automaton.markShift + 24)
            }
            let entry = table[Int(head.row) &+ Int(column)]
            found |= entry
            head.row = entry & 0xFF_FFFF
        }

        func run(_ head: inout Head, _ found: inout UInt32) {
            while head.isInside { step(&head, &found) }
        }

        /// All four at once, until one of them is near its end.
        func run(
            _ first: inout Head, _ second: inout Head, _ third: inout Head, _ fourth: inout Head,
            _ found: inout UInt32
        ) {
            // Copies, so that they stay in registers.
            var (a, b, c, d) = (first, second, third, fourth)
            var all = found
            while true {
                // Whole words ahead in every quarter; characters beyond ASCII move the heads apart by a few bytes.
                let words = min(min(a.end - a.at, b.end - b.at), min(c.end - c.at, d.end - d.at)) / Self.reach
                if words == 0 { break }
                for _ in 0..<words {
                    if (a.word | b.word | c.word | d.word) & 0x8080_8080_8080_8080 == 0 {
                        for index in 0..<8 {
                            let entryA = table[Int(a.row) &+ Int(columns[Int(a.at[index])])]
                            let entryB = table[Int(b.row) &+ Int(columns[Int(b.at[index])])]
                            let entryC = table[Int(c.row) &+ Int(columns[Int(c.at[index])])]
                            let entryD = table[Int(d.row) &+ Int(columns[Int(d.at[index])])]
                            all |= entryA | entryB | entryC | entryD
                            (a.row, b.row) = (entryA & 0xFF_FFFF, entryB & 0xFF_FFFF)
                            (c.row, d.row) = (entryC & 0xFF_FFFF, entryD & 0xFF_FFFF)
                        }
                        (a.at, b.at, c.at, d.at) = (a.at + 8, b.at + 8, c.at + 8, d.at + 8)
                    } else {
                        a = stepped(a, &all)
                        b = stepped(b, &all)
                        c = stepped(c, &all)
                        d = stepped(d, &all)
                    }
                }
            }
            (first, second, third, fourth) = (a, b, c, d)
            found = all
        }

        /// Eight characters or so.
        @inline(never)
        private func stepped(_ head: Head, _ found: inout UInt32) -> Head {
            var head = head
            let border = head.at + 8
            while head.at < border { step(&head, &found) }
            return head
        }

        /// Bytes that reading a word may take: eight, and three more where the last character began in them.
        private static let reach = 11
    }

    /// Goes from one part of a message to the next: white space and a new line for triggers, the end of one text and
    /// the start of another for everything else.
    package func breakPart(from state: State, into signals: inout Signals) -> State {
        step(state, partBreak, into: &signals)
    }

    /// Completes what waits for a word boundary at the end of a text.
    package func finish(from state: State, into signals: inout Signals) {
        _ = step(state, end, into: &signals)
    }

    private func step(_ state: State, _ column: UInt16, into signals: inout Signals) -> State {
        let entry = table[Int(state) + Int(column)]
        signals.formUnion(Signals(rawValue: UInt8(truncatingIfNeeded: entry >> 24) & Self.signalBits))
        return entry & 0xFF_FFFF
    }

    @inline(never)
    private func column(ofAstral value: UInt32) -> UInt16 {
        guard let scalar = Unicode.Scalar(value) else { return other }
        if let column = astral[scalar.caseFolded] { return column }
        return scalar.isWord ? word : scalar.isSpace ? space : other
    }
}

/// One scalar and its length in bytes; malformed input is U+FFFD, one byte long.
@inline(__always)
func decodeScalar(_ bytes: UnsafePointer<UInt8>, _ available: Int) -> (UInt32, Int) {
    let lead = bytes[0]
    if lead < 0x80 { return (UInt32(lead), 1) }
    let length = scalarLength(lead)
    guard length > 1, length <= available else { return (0xFFFD, 1) }
    var value = UInt32(lead) & (0x7F >> UInt32(length))
    for index in 1..<length {
        guard bytes[index] & 0xC0 == 0x80 else { return (0xFFFD, 1) }
        value = value << 6 | UInt32(bytes[index] & 0x3F)
    }
    return (value, length)
}

/// Bytes of the character that this byte leads; 1 for a byte that leads none.
@inline(__always)
func scalarLength(_ lead: UInt8) -> Int {
    switch lead {
    case 0xC2...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF4: 4
    default: 1
    }
}

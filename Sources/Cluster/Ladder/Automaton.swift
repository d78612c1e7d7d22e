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

    /// State at the start of a text.
    package let start: State
    package let stateCount: Int

    /// The built-in phrases, and those that `[ROUTING]` adds.
    package init(routing: RoutingSection = .init()) {
        self.init(plan: Phrase.plan + routing.planPhrases, agent: Phrase.agent + routing.agentPhrases)
    }

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

    /// Reads UTF-8 that holds whole characters only: ``TextReader`` sees to that. Malformed bytes count as a
    /// character that no pattern has.
    func read(_ bytes: UnsafeBufferPointer<UInt8>, from state: State, into signals: inout Signals) -> State {
        guard let base = bytes.baseAddress else { return state }
        let count = bytes.count
        var row = state
        var found: UInt32 = 0
        var index = 0
        table.withUnsafeBufferPointer { table in
            columns.withUnsafeBufferPointer { columns in
                guard let table = table.baseAddress, let columns = columns.baseAddress else { return }
                while index < count {
                    let byte = base[index]
                    let column: UInt16
                    if byte < 0x80 {
                        column = columns[Int(byte)]
                        index &+= 1
                    } else {
                        let (scalar, length) = decodeScalar(base + index, count &- index)
                        index &+= length
                        column = scalar < 0x10000 ? columns[Int(scalar)] : self.column(ofAstral: scalar)
                    }
                    let entry = table[Int(row) &+ Int(column)]
                    found |= entry
                    row = entry & 0xFF_FFFF
                }
            }
        }
        signals.formUnion(Signals(rawValue: UInt8(truncatingIfNeeded: found >> 24)))
        return row
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

    func read(_ scalar: Unicode.Scalar, from state: State, into signals: inout Signals) -> State {
        step(state, scalar.value < 0x10000 ? columns[Int(scalar.value)] : column(ofAstral: scalar.value), into: &signals)
    }

    private func step(_ state: State, _ column: UInt16, into signals: inout Signals) -> State {
        let entry = table[Int(state) + Int(column)]
        signals.formUnion(Signals(rawValue: UInt8(truncatingIfNeeded: entry >> 24)))
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

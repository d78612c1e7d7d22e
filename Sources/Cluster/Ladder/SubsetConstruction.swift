/// The symbols that patterns tell apart: folded ASCII, the folded others that some pattern names, and five classes.
struct Alphabet {
    /// Any other word character, white space, and everything else.
    static let word = 128, space = 129, other = 130
    /// Between two parts of one message, and after the last character of a text.
    static let partBreak = 131, end = 132
    private static let firstNamed = 133

    private(set) var named: [Unicode.Scalar: Int] = [:]
    var count: Int { Self.firstNamed + named.count }

    init(_ patterns: [Pattern]) {
        for pattern in patterns { name(pattern) }
    }

    var astral: [Unicode.Scalar: Int] { named.filter { $0.key.value >= 0x10000 } }

    func symbol(of scalar: Unicode.Scalar) -> Int {
        let folded = scalar.caseFolded
        if folded.isASCII { return Int(folded.value) }
        return named[folded] ?? (scalar.isWord ? Self.word : scalar.isSpace ? Self.space : Self.other)
    }

    func isWord(_ symbol: Int) -> Bool {
        if symbol < 128 { return Unicode.Scalar(UInt8(symbol)).isWord }
        if symbol >= Self.firstNamed { return named.contains { $0.value == symbol && $0.key.isWord } }
        return symbol == Self.word
    }

    func isSpace(_ symbol: Int) -> Bool {
        symbol == Self.space || symbol < 128 && Unicode.Scalar(UInt8(symbol)).isSpace
    }

    private mutating func name(_ pattern: Pattern) {
        switch pattern {
        case .text(let scalars), .one(let scalars):
            for scalar in scalars.map(\.caseFolded) where !scalar.isASCII && named[scalar] == nil { named[scalar] = count }
        case .sequence(let parts), .any(of: let parts): parts.forEach { name($0) }
        case .optional(let part), .many(let part), .some(let part): name(part)
        case .space, .spaceAcrossParts, .wordBoundary, .lineStart: break
        }
    }
}

/// From patterns to a table, by way of sets of NFA states.
struct SubsetConstruction {
    private enum Step {
        case symbols(Set<Int>, next: Int)
        case fork(Int, Int)
        case wordBoundary(next: Int)
        case lineStart(next: Int)
        case signal(Signals)
    }

    /// What a deterministic state knows: NFA states before a character, and the character before them.
    private struct Key: Hashable {
        var steps: [Int]
        var afterWord: Bool
        var atLineStart: Bool
    }

    let alphabet: Alphabet
    private var steps: [Step] = []
    private var starts: [Int] = []

    init(alphabet: Alphabet) { self.alphabet = alphabet }

    mutating func add(_ pattern: Pattern, signal: Signals) {
        let accept = append(.signal(signal))
        starts.append(emit(pattern, then: accept))
    }

    private mutating func append(_ step: Step) -> Int {
        steps.append(step)
        return steps.count - 1
    }

    /// - Returns: the state from which `pattern` leads to `next`.
    private mutating func emit(_ pattern: Pattern, then next: Int) -> Int {
        switch pattern {
        case .text(let scalars):
            return scalars.reversed().reduce(next) { following, scalar in
                append(.symbols([alphabet.symbol(of: scalar)], next: following))
            }
        case .space:
            return append(.symbols(Set((0..<alphabet.count).filter(alphabet.isSpace)), next: next))
        case .spaceAcrossParts:
            return append(
                .symbols(Set((0..<alphabet.count).filter(alphabet.isSpace)).union([Alphabet.partBreak]), next: next))
        case .one(let scalars):
            return append(.symbols(Set(scalars.map(alphabet.symbol)), next: next))
        case .sequence(let parts):
            return parts.reversed().reduce(next) { emit($1, then: $0) }
        case .any(of: let parts):
            return parts.map { emit($0, then: next) }.reduce(nil as Int?) { fork, part in
                fork.map { append(.fork($0, part)) } ?? part
            } ?? append(.symbols([], next: next))
        case .optional(let part):
            return append(.fork(emit(part, then: next), next))
        case .many(let part):
            let loop = append(.fork(next, next))
            steps[loop] = .fork(emit(part, then: loop), next)
            return loop
        case .some(let part):
            return emit(part, then: emit(.many(part), then: next))
        case .wordBoundary: return append(.wordBoundary(next: next))
        case .lineStart: return append(.lineStart(next: next))
        }
    }

    struct Result {
        var table: [UInt32]
        var start: UInt32
        var states: Int
        /// For each column, the state in which only that last character is known.
        var restStates: [UInt32]
        /// Symbols that no pattern tells apart share a column, which keeps the table within the first-level cache.
        var columnOfSymbol: [UInt16]
    }

    func build() -> Result {
        let columns = self.columns()
        var numbers: [Key: Int] = [:]
        var queue: [Key] = []
        func number(_ key: Key) -> UInt32 {
            if let known = numbers[key] { return UInt32(known) }
            numbers[key] = queue.count
            queue.append(key)
            return UInt32(queue.count - 1)
        }
        _ = number(Key(steps: [], afterWord: false, atLineStart: true))
        let width = columns.traits.count
        let rest = columns.traits.map { number(Key(steps: [], afterWord: $0.isWord, atLineStart: $0.startsLine)) }
        var table: [UInt32] = []
        var row = 0
        while row < queue.count {
            let key = queue[row]
            // Only whether the next character is a word's changes what `\b` lets through.
            let beforeWord = reach(key, beforeWord: true, columns)
            let beforeOther = reach(key, beforeWord: false, columns)
            for column in 0..<width {
                let traits = columns.traits[column]
                let (reached, signals) = traits.isWord ? beforeWord : beforeOther
                let next = number(
                    Key(steps: reached[column], afterWord: traits.isWord, atLineStart: traits.startsLine))
                table.append(next * UInt32(width) | UInt32(signals.rawValue) << 24)
            }
            row += 1
        }
        return Result(
            table: table, start: 0, states: queue.count, restStates: rest.map { $0 * UInt32(width) },
            columnOfSymbol: columns.ofSymbol)
    }

    private struct Columns {
        var ofSymbol: [UInt16]
        /// What a column's symbols have in common.
        var traits: [(isWord: Bool, startsLine: Bool)] = []
        /// Of each NFA state that takes a symbol: the columns it takes.
        var taken: [Int: [Int]] = [:]
    }

    private func columns() -> Columns {
        var memberships: [[Int]] = Array(repeating: [], count: alphabet.count)
        for (index, step) in steps.enumerated() {
            if case .symbols(let set, _) = step { for symbol in set { memberships[symbol].append(index) } }
        }
        var columns = Columns(ofSymbol: [])
        var known: [[Int]: UInt16] = [:]
        for (symbol, members) in memberships.enumerated() {
            let startsLine = symbol == 0x0A || symbol == Alphabet.partBreak || symbol == Alphabet.end
            let isWord = alphabet.isWord(symbol)
            let key = members + [isWord ? -1 : -2, startsLine ? -1 : -2]
            if let column = known[key] {
                columns.ofSymbol.append(column)
                continue
            }
            let column = columns.traits.count
            known[key] = UInt16(column)
            columns.ofSymbol.append(UInt16(column))
            columns.traits.append((isWord, startsLine))
            for member in members { columns.taken[member, default: []].append(column) }
        }
        return columns
    }

    /// For each column, the NFA states that a character of it leads to; and the signals complete before it.
    private func reach(_ key: Key, beforeWord: Bool, _ columns: Columns) -> (reached: [[Int]], signals: Signals) {
        let (live, signals) = closure(key, beforeWord: beforeWord)
        var reached: [[Int]] = Array(repeating: [], count: columns.traits.count)
        for index in live {
            guard case .symbols(_, let next) = steps[index] else { continue }
            for column in columns.taken[index] ?? [] { reached[column].append(next) }
        }
        return (reached.map { Set($0).sorted() }, signals)
    }

    /// Everything reachable without a character, and the signals that are complete there.
    private func closure(_ key: Key, beforeWord: Bool) -> (live: Set<Int>, signals: Signals) {
        var live: Set<Int> = []
        var signals: Signals = []
        var pending = starts + key.steps
        while let step = pending.popLast() {
            guard live.insert(step).inserted else { continue }
            switch steps[step] {
            case .symbols: break
            case .fork(let first, let second): pending += [first, second]
            case .wordBoundary(let next): if key.afterWord != beforeWord { pending.append(next) }
            case .lineStart(let next): if key.atLineStart { pending.append(next) }
            case .signal(let signal): signals.insert(signal)
            }
        }
        return (live, signals)
    }
}

package import Cluster

/// Reads the body of a completion request once, in place, in whatever pieces it arrives.
///
/// It validates JSON as Python's `json` does (NaN and Infinity included), notes where the `model` values are, and runs
/// message texts and the prompt through the ladder's automaton as they pass. Nothing is copied or kept. Of duplicate
/// keys the last counts.
package struct RequestScan {
    package static let depthLimit = JSONStructure.depthLimit

    /// What a value is to the router.
    enum Slot: UInt8 {
        case other, root, model, messages, message, role, content, part, text, prompt, tools, stream, outputLimit
    }

    private enum State {
        case byteOrderMark, value, firstElement, firstKey, key, colon, afterValue, literal, number
        case string, escape, unicode
        case end, notJSON, tooDeep
    }

    private var state = State.byteOrderMark
    var structure = JSONStructure()
    /// Of the value that is being read or comes next.
    var slot = Slot.root
    private var isKey = false
    var word = ShortWord()
    private var number = JSONNumber()
    var literal: StaticString = ""
    private var matched = 0
    private var unicode = (value: UInt32(0), digits: 0, high: UInt32(0))
    /// Bytes before the piece in hand, and where the value being read starts.
    private var consumed = 0
    var valueStart = 0
    /// Where a `model` that is an object or an array starts: what is in it moves ``valueStart``.
    var modelStart = 0

    let vocabulary: Vocabulary
    var text: TextReader
    var readsText = false
    var message = Message()
    var conversation = Conversation()
    var prompt = TextFacts()
    var request = ScannedRequest()
    var isObject = false

    /// Whether texts that do not count after all, since their key came again, kept others from being read in full: then
    /// only a scan that skips nothing tells the truth.
    package internal(set) var mustBeRepeated = false

    /// - Parameters:
    ///   - vocabulary: the triggers and phrases to look for.
    ///   - skips: whether phrases are passed over once the texts before them have decided.
    package init(_ vocabulary: Vocabulary, skips: Bool = true) {
        self.vocabulary = vocabulary
        text = TextReader(vocabulary, skips: skips)
    }

    /// Forgets everything; the next piece is the body's first.
    package mutating func restartWithoutSkipping() { self = RequestScan(vocabulary, skips: false) }

    package mutating func read(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        var index = 0
        while index < bytes.count {
            switch state {
            case .string: stringContent(base, &index, bytes.count)
            case .notJSON, .tooDeep: index = bytes.count
            default: step(base[index], &index)
            }
        }
        consumed += bytes.count
    }

    /// - Returns: what the body is, which is complete.
    package mutating func finish() -> ScanOutcome {
        if consumed == 0 { return .empty }
        if state == .number, structure.depth == 0 { endNumber(at: consumed) }
        switch state {
        case .tooDeep: return .tooDeep
        case .end where !isObject: return .notObject
        case .end:
            request.facts.characters = conversation.characters + prompt.characters
            request.facts.signals = conversation.signals.union(prompt.signals).subtracting(.triggers)
            request.facts.triggers = conversation.triggers
            request.facts.turns = conversation.messages
            request.badMessage = conversation.badMessage
            return .request(request)
        default: return .notJSON
        }
    }

    // MARK: Structure

    private mutating func step(_ byte: UInt8, _ index: inout Int) {
        switch state {
        case .literal:
            if byte == literal.utf8Start[matched] {
                matched += 1
                index += 1
                if matched == literal.utf8CodeUnitCount {
                    let isNull = literal.utf8Start[0] == 0x6E
                    endValue(
                        at: consumed + index, isTrue: !isNull && literal.utf8Start[0] != 0x66, isNull: isNull)
                }
            } else {
                state = .notJSON
            }
        case .number:
            if number.take(byte) {
                index += 1
            } else if number.isOnlyMinus, byte == 0x49 {
                begin(literal: "Infinity")
            } else {
                endNumber(at: consumed + index)
            }
        case .escape: escape(byte, &index)
        case .unicode: unicodeDigit(byte, &index)
        case .byteOrderMark: byteOrderMark(byte, &index)
        default:
            if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
                index += 1
            } else {
                structural(byte, &index)
            }
        }
    }

    private mutating func structural(_ byte: UInt8, _ index: inout Int) {
        switch (state, byte) {
        case (.firstElement, 0x5D), (.firstKey, 0x7D):
            index += 1
            close(isEmpty: true, at: consumed + index)
        case (.firstElement, _), (.value, _): beginValue(byte, &index)
        case (.firstKey, 0x22), (.key, 0x22):
            index += 1
            isKey = true
            word = ShortWord()
            state = .string
        case (.colon, 0x3A):
            index += 1
            state = .value
        case (.afterValue, 0x2C):
            index += 1
            state = structure.isObject ? .key : .value
            if !structure.isObject { slot = elementSlot }
        case (.afterValue, 0x7D) where structure.isObject, (.afterValue, 0x5D) where !structure.isObject:
            index += 1
            close(isEmpty: false, at: consumed + index)
        default: state = .notJSON
        }
    }

    private mutating func byteOrderMark(_ byte: UInt8, _ index: inout Int) {
        let mark: StaticString = "\u{FEFF}"
        if matched < mark.utf8CodeUnitCount, byte == mark.utf8Start[matched] {
            matched += 1
            index += 1
        } else {
            state = matched == 0 || matched == mark.utf8CodeUnitCount ? .value : .notJSON
        }
    }

    private mutating func beginValue(_ byte: UInt8, _ index: inout Int) {
        valueStart = consumed + index
        switch byte {
        case 0x7B, 0x5B:
            guard structure.depth < Self.depthLimit else {
                state = .tooDeep
                return
            }
            let object = byte == 0x7B
            index += 1
            open(object: object)
            structure.push(object: object, slot: slot.rawValue)
            state = object ? .firstKey : .firstElement
            slot = elementSlot
        case 0x22:
            index += 1
            isKey = false
            word = ShortWord()
            beginString()
            state = .string
        case 0x74: begin(literal: "true")
        case 0x66: begin(literal: "false")
        case 0x6E: begin(literal: "null")
        case 0x4E: begin(literal: "NaN")
        case 0x49: begin(literal: "Infinity")
        default:
            number = JSONNumber()
            state = number.take(byte) ? .number : .notJSON
            index += 1
        }
    }

    private mutating func begin(literal: StaticString) {
        self.literal = literal
        matched = 0
        state = .literal
    }

    private mutating func endNumber(at end: Int) {
        // llama.cpp takes one below 0 for no limit.
        if slot == .outputLimit, number.isComplete, let whole = number.whole, whole > 0 { request.outputLimit = whole }
        if number.isComplete { endValue(at: end, isTrue: number.isNonZero) } else { state = .notJSON }
    }

    private mutating func close(isEmpty: Bool, at end: Int) {
        slot = Slot(rawValue: structure.slot) ?? .other
        structure.pop()
        closed(isEmpty: isEmpty, at: end)
        state = structure.depth == 0 ? .end : .afterValue
    }

    private mutating func endValue(at end: Int, isTrue: Bool, isNull: Bool = false) {
        scalarValue(at: end, isTrue: isTrue, isNull: isNull)
        state = structure.depth == 0 ? .end : .afterValue
    }

    // MARK: Strings

    private mutating func stringContent(_ base: UnsafePointer<UInt8>, _ index: inout Int, _ count: Int) {
        let end = endOfPlainString(base, from: index, count: count)
        if end > index {
            loneSurrogate()
            let run = UnsafeBufferPointer(start: base + index, count: end - index)
            if readsText, !isKey { text.read(run) } else { word.append(run) }
            index = end
            if end == count { return }
        }
        switch base[index] {
        case 0x22:
            loneSurrogate()
            index += 1
            endString(at: consumed + index)
        case 0x5C:
            index += 1
            state = .escape
        default: state = .notJSON
        }
    }

    private mutating func escape(_ byte: UInt8, _ index: inout Int) {
        index += 1
        state = .string
        switch byte {
        case 0x22, 0x5C, 0x2F: put(Unicode.Scalar(byte))
        case 0x6E: put("\n")
        case 0x74: put("\t")
        case 0x72: put("\r")
        case 0x62: put("\u{8}")
        case 0x66: put("\u{C}")
        case 0x75:
            unicode.value = 0
            unicode.digits = 0
            state = .unicode
        default: state = .notJSON
        }
    }

    private mutating func unicodeDigit(_ byte: UInt8, _ index: inout Int) {
        index += 1
        let digit: UInt8
        switch byte {
        case 0x30...0x39: digit = byte - 0x30
        case 0x41...0x46: digit = byte - 0x37
        case 0x61...0x66: digit = byte - 0x57
        default:
            state = .notJSON
            return
        }
        unicode.value = unicode.value << 4 | UInt32(digit)
        unicode.digits += 1
        guard unicode.digits == 4 else { return }
        state = .string
        switch unicode.value {
        case 0xD800..<0xDC00:
            loneSurrogate()
            unicode.high = unicode.value
        case 0xDC00..<0xE000 where unicode.high != 0:
            let pair = 0x10000 + (unicode.high - 0xD800) << 10 + (unicode.value - 0xDC00)
            unicode.high = 0
            put(Unicode.Scalar(pair) ?? "\u{FFFD}")
        default: put(Unicode.Scalar(unicode.value) ?? "\u{FFFD}")
        }
    }

    /// A high surrogate that no low one followed counts as one character.
    private mutating func loneSurrogate() {
        guard unicode.high != 0 else { return }
        unicode.high = 0
        put("\u{FFFD}")
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        loneSurrogate()
        if readsText, !isKey { text.read(scalar) } else { word.append(scalar) }
    }

    private mutating func endString(at end: Int) {
        if isKey {
            isKey = false
            slot = memberSlot
            state = .colon
            if structure.depth == 1 { request.isEmptyObject = false }
            return
        }
        stringValue(at: end)
        state = structure.depth == 0 ? .end : .afterValue
    }
}

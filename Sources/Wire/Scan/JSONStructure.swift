/// Which container each level of a JSON text is, and what it means to the scan.
struct JSONStructure {
    /// Levels below this one all mean ``RequestScan/Slot/other``: nothing the router reads lies deeper.
    private static let meaningfulDepth = 8
    /// Deeper texts are refused: parsers behind the router recurse.
    static let depthLimit = 1000

    private(set) var depth = 0
    /// One bit a level, 1 for an object. The first 64 levels need no allocation.
    private var shallow: UInt64 = 0
    private var deep: [UInt64] = []
    /// One byte a level, the outermost lowest.
    private var slots: UInt64 = 0

    mutating func push(object: Bool, slot: UInt8) {
        let bit: UInt64 = object ? 1 : 0
        if depth < 64 {
            shallow = shallow & ~(1 << UInt64(depth)) | bit << UInt64(depth)
        } else {
            let word = depth / 64 - 1
            if word == deep.count { deep.append(0) }
            deep[word] = deep[word] & ~(1 << UInt64(depth % 64)) | bit << UInt64(depth % 64)
        }
        if depth < Self.meaningfulDepth {
            let shift = UInt64(8 * depth)
            slots = slots & ~(0xFF << shift) | UInt64(slot) << shift
        }
        depth += 1
    }

    mutating func pop() { depth -= 1 }

    var isObject: Bool {
        let level = depth - 1
        return level < 64 ? shallow >> UInt64(level) & 1 == 1 : deep[level / 64 - 1] >> UInt64(level % 64) & 1 == 1
    }

    /// What the innermost container is; 0 below the meaningful depth.
    var slot: UInt8 {
        depth > Self.meaningfulDepth || depth == 0 ? 0 : UInt8(truncatingIfNeeded: slots >> UInt64(8 * (depth - 1)))
    }
}

/// The grammar of a JSON number, a state a byte (RFC 8259, section 6).
struct JSONNumber {
    private enum State { case start, minus, zero, integer, point, fraction, exponent, sign, power }

    private var state = State.start
    /// Whether any digit before the exponent is not 0: what makes the number true where truth is asked for.
    private(set) var isNonZero = false
    /// The digits before the point as a number, at most a billion; nil of one below 0, or with an exponent.
    var whole: Int? { isPlain ? digits : nil }
    private var digits = 0
    private var isPlain = true

    /// - Returns: false when the byte does not continue the number.
    mutating func take(_ byte: UInt8) -> Bool {
        let digit = byte >= 0x30 && byte <= 0x39
        switch (state, byte) {
        case (.start, 0x2D):
            state = .minus
            isPlain = false
        case (.start, 0x30), (.minus, 0x30): state = .zero
        case (.start, _) where digit, (.minus, _) where digit, (.integer, _) where digit:
            state = .integer
            isNonZero = isNonZero || byte != 0x30
            digits = min(digits * 10 + Int(byte - 0x30), 1_000_000_000)
        case (.zero, 0x2E), (.integer, 0x2E): state = .point
        case (.point, _) where digit, (.fraction, _) where digit:
            state = .fraction
            isNonZero = isNonZero || byte != 0x30
        case (.zero, 0x65), (.zero, 0x45), (.integer, 0x65), (.integer, 0x45), (.fraction, 0x65), (.fraction, 0x45):
            state = .exponent
            isPlain = false
        case (.exponent, 0x2B), (.exponent, 0x2D): state = .sign
        case (.exponent, _) where digit, (.sign, _) where digit, (.power, _) where digit: state = .power
        default: return false
        }
        return true
    }

    /// Whether only a minus has been read: `-Infinity` may follow.
    var isOnlyMinus: Bool { state == .minus }

    var isComplete: Bool {
        switch state {
        case .zero, .integer, .fraction, .power: true
        case .start, .minus, .point, .exponent, .sign: false
        }
    }
}

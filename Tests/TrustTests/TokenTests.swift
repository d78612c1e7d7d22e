import Foundation
import Testing
import Trust

struct TokenTests {
    private let token: JoinToken
    private let pin: CertificatePin

    init() throws {
        pin = try TestCluster().authority.pin
        token = JoinToken(pin: pin)
    }

    private func problem(_ text: String) -> JoinToken.Malformed? {
        do throws(JoinToken.Malformed) {
            _ = try JoinToken(parsing: text)
            return nil
        } catch { return error }
    }

    @Test("A token is read as it was written, and white space around it does not matter")
    func roundTrip() throws {
        for _ in 0..<50 {
            let token = JoinToken(pin: pin)
            #expect(try JoinToken(parsing: token.text) == token)
            #expect(try JoinToken(parsing: "\n\t \(token.text)\r\n") == token)
        }
        let shape = try Regex("llmstack-1-[a-z2-7]{52}-[a-z2-7]{26}")
        #expect(token.text.wholeMatch(of: shape) != nil)
    }

    @Test("No two tokens are alike, and only the hash is to be kept")
    func secrets() {
        #expect(Set((0..<100).map { _ in JoinToken(pin: pin).secret }).count == 100)
        #expect(token.secretHash.matches(token.secret))
        #expect(!token.secretHash.matches(token.text))
    }

    @Test("A token's secret does not come into logs")
    func description() {
        #expect(!"\(token)".contains(token.secret))
        #expect(!String(reflecting: token).contains(token.secret))
    }

    @Test("Every shortened and every lengthened token is refused")
    func lengths() {
        let text = token.text
        for length in 0..<text.count { #expect(problem(String(text.prefix(length))) != nil, "\(length)") }
        for index in text.indices {
            var shorter = text
            shorter.remove(at: index)
            #expect(problem(shorter) != nil)
            var longer = text
            longer.insert("a", at: index)
            #expect(problem(longer) != nil)
        }
    }

    @Test("A character that was mistyped is refused, or makes another token")
    func mutations() throws {
        let characters = Array(token.text)
        for index in characters.indices {
            for other in "aq27-A01_ \u{e9}" where other != characters[index] {
                var changed = characters
                changed[index] = other
                guard let read = try? JoinToken(parsing: String(changed)) else { continue }
                #expect(read != token, "\(index) \(other)")
            }
        }
    }

    @Test("The error says which part is wrong")
    func parts() {
        let (pin, secret) = (pin.text, token.secret)
        #expect(problem("") == .empty)
        #expect(problem("lms_aaaaaaaa_b") == .noToken)
        #expect(problem("llmstack-2-\(pin)-\(secret)") == .otherVersion)
        #expect(problem("llmstack-1-\(pin)") == .parts(3))
        #expect(problem("\(token.text)-\(secret)") == .parts(5))
        #expect(problem("llmstack-1-\(pin.dropLast())-\(secret)") == .length(.pin, 51, expected: 52))
        #expect(problem("llmstack-1-\(pin)-\(secret.dropLast(3))") == .length(.secret, 23, expected: 26))
        #expect(problem("llmstack-1-\(pin)-0\(secret.dropFirst())") == .character(.secret, 1))
        #expect(problem("llmstack-1-\(pin.dropLast())1-\(secret)") == .character(.pin, 52))
        // 26 characters hold two bits more than the secret has; they are 0.
        #expect(problem("llmstack-1-\(pin)-\(secret.dropLast())b") == .ending(.secret))
        let error = problem("llmstack-1-\(pin)-\(secret.dropLast())")
        #expect(error?.description.contains("\n  fix: ") == true)
        #expect(error?.description.contains(secret.dropLast()) == false)
    }

    @Test("A pin is read as it was written, and nothing else is one")
    func pins() {
        #expect(CertificatePin(text: pin.text) == pin)
        #expect(pin.text.count == 52)
        for text in ["", "a", pin.text + "a", String(pin.text.dropLast()), pin.text.uppercased()] {
            #expect(CertificatePin(text: text) == nil)
        }
    }

    // MARK: Client keys

    @Test("A client key is read as it was written")
    func clientKeys() throws {
        let shape = try Regex("lms_[a-z2-7]{8}_[A-Za-z0-9_-]{43}")
        for _ in 0..<100 {
            let key = ClientKey()
            #expect(key.text.wholeMatch(of: shape) != nil)
            #expect(ClientKey(key.text) == key)
            #expect(ClientKey(" \(key.text)\n")?.text == key.text)
            #expect(key.text.hasPrefix("lms_\(key.id)_"))
            #expect(key.digest.matches(key.text))
            #expect(!"\(key) \(String(reflecting: key))".contains(key.text.suffix(43)))
        }
    }

    @Test("Shortened, lengthened and mistyped client keys are refused, or are other keys")
    func clientKeyMutations() {
        let key = ClientKey()
        for length in 0..<key.text.count { #expect(ClientKey(String(key.text.prefix(length))) == nil) }
        #expect(ClientKey(key.text + "a") == nil)
        let characters = Array(key.text)
        for index in characters.indices {
            for other in "aB3_-+/=. \u{e9}" where other != characters[index] {
                var changed = characters
                changed[index] = other
                guard let read = ClientKey(String(changed)) else { continue }
                #expect(read != key && read.digest != key.digest)
                #expect(index >= 4 && index != 12)
            }
        }
        // The last character says four bits only: of the 64 that could stand there, one in four may.
        let stem = key.text.dropLast()
        let last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        #expect(last.filter { ClientKey("\(stem)\($0)") != nil }.count == 16)
    }

    // MARK: Digests

    @Test("A digest is SHA-256, in hexadecimal digits, also as JSON")
    func digests() throws {
        let digest = SecretDigest(of: "abc")
        // FIPS 180-2, appendix B.1.
        #expect(digest.hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(SecretDigest(hex: digest.hex) == digest)
        #expect(digest != SecretDigest(of: "abd"))
        #expect(String(decoding: try JSONEncoder().encode([digest]), as: UTF8.self) == "[\"\(digest.hex)\"]")
        #expect(try JSONDecoder().decode([SecretDigest].self, from: Data("[\"\(digest.hex)\"]".utf8)) == [digest])
        for text in ["", "ba", digest.hex.uppercased(), digest.hex + "00", "g" + digest.hex.dropFirst()] {
            #expect(SecretDigest(hex: text) == nil)
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode([SecretDigest].self, from: Data("[\"\(text)\"]".utf8))
            }
        }
    }
}

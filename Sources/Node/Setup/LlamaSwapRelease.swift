import Foundation

/// A release of llama-swap, and the names of its files (https://github.com/mostlygeek/llama-swap/releases).
package struct LlamaSwapRelease: Equatable, Sendable {
    /// The versions that read the `matrix` of the llama-swap.yaml that llmstack writes.
    package static let known = 202...250
    /// Set to use a mirror, or a test's own server.
    package static let baseVariable = "LLMSTACK_LLAMA_SWAP_RELEASES"
    package static let defaultBase = "https://github.com/mostlygeek/llama-swap/releases"

    /// As the release page has it: `v211`.
    package var tag: String
    package var base: String

    package init(tag: String, base: String = defaultBase) {
        self.tag = tag
        self.base = base
    }

    /// The tag without its `v`.
    package var number: String { tag.hasPrefix("v") ? String(tag.dropFirst()) : tag }

    /// Whether llmstack knows this version; true also where the tag is no number.
    package var isKnown: Bool { Int(number).map(Self.known.contains) ?? true }

    /// Whether it can be part of an address and of a file's name.
    package var isWellFormed: Bool {
        !number.isEmpty && tag.utf8.count <= 64 && !tag.contains("..")
            && tag.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    package func archive(_ platform: Platform) -> String { "llama-swap_\(number)_\(platform.name).tar.gz" }

    package func url(_ platform: Platform) -> String { "\(base)/download/\(tag)/\(archive(platform))" }

    package var checksumsURL: String { "\(base)/download/\(tag)/llama-swap_\(number)_checksums.txt" }

    /// The page that redirects to the latest release's.
    package static func latestURL(base: String) -> String { "\(base)/latest" }

    /// - Parameter location: where that page redirects to: `…/releases/tag/v211`.
    package static func tag(location: String?) -> String? {
        guard let location, let range = location.range(of: "/tag/") else { return nil }
        let tag = location[range.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return tag.isEmpty ? nil : String(tag)
    }

    /// - Parameters:
    ///   - checksums: lines of `<sha256>  <file>`, as sha256sum writes them.
    ///   - file: the name looked for.
    /// - Returns: 64 hexadecimal digits, lower case.
    package static func checksum(of file: String, in checksums: String) -> String? {
        for line in checksums.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count == 2, words[1] == file || words[1] == "*\(file)", words[0].utf8.count == 64,
                words[0].allSatisfy(\.isHexDigit)
            else { continue }
            return words[0].lowercased()
        }
        return nil
    }

    /// What `llama-swap --version` prints: `version: v211 (abc), built at x`.
    ///
    /// - Returns: the number; nil when it says none.
    package static func number(versionOutput: String) -> String? {
        guard let range = versionOutput.range(of: "version:") else { return nil }
        let word = versionOutput[range.upperBound...].drop(while: \.isWhitespace).prefix {
            !$0.isWhitespace && $0 != "," && $0 != "("
        }
        let number = word.hasPrefix("v") ? word.dropFirst() : word
        return number.isEmpty ? nil : String(number)
    }

    /// An operating system and processor that releases are built for.
    package struct Platform: Equatable, Sendable {
        /// `linux_amd64`.
        package var name: String

        package init(name: String) { self.name = name }

        /// nil where there are no releases for this machine.
        package static var current: Platform? {
            #if os(macOS)
                let system = "darwin"
            #elseif os(Linux)
                let system = "linux"
            #else
                let system = ""
            #endif
            #if arch(x86_64)
                let processor = "amd64"
            #elseif arch(arm64)
                let processor = "arm64"
            #else
                let processor = ""
            #endif
            return system.isEmpty || processor.isEmpty ? nil : Platform(name: "\(system)_\(processor)")
        }
    }
}

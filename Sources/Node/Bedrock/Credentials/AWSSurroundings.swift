package import Foundation

/// All that the credentials' chain knows of the world: it is handed in, so that a test can have a world of its own.
package struct AWSSurroundings: Sendable {
    /// A reply with any status.
    package struct Reply: Equatable, Sendable {
        package var status: Int
        package var body: [UInt8]

        package init(status: Int, body: [UInt8]) {
            self.status = status
            self.body = body
        }
    }

    /// What a program wrote, and how it ended.
    package struct Output: Equatable, Sendable {
        package var exit: ChildExit
        package var output: [UInt8]
        package var errors: [UInt8]

        package init(exit: ChildExit, output: [UInt8], errors: [UInt8] = []) {
            self.exit = exit
            self.output = output
            self.errors = errors
        }
    }

    /// What tells one version of a file from another.
    package struct FileStamp: Equatable, Sendable {
        package var inode: UInt64
        package var size: UInt64
        /// Nanoseconds since 1970.
        package var modified: Int64

        package init(inode: UInt64, size: UInt64, modified: Int64) {
            self.inode = inode
            self.size = size
            self.modified = modified
        }
    }

    package var variables: [String: String]
    /// nil: there is none, or it cannot be read.
    package var contents: @Sendable (_ path: String) -> [UInt8]?
    /// nil: there is none.
    package var stamp: @Sendable (_ path: String) -> FileStamp?
    /// Replaces a file whole, readable by its owner only; says whether it could.
    package var save: @Sendable (_ bytes: [UInt8], _ path: String) -> Bool
    package var now: @Sendable () -> Date
    package var pause: @Sendable (Duration) async -> Void
    /// Never follows a redirect.
    package var send: @Sendable (Curl.Request) async throws(CurlFailure) -> Reply
    /// Runs a program found by its name: no shell, no terminal. nil: it could not be started, or was killed at its
    /// limit.
    package var run: @Sendable (_ words: [String]) async -> Output?

    package init(
        variables: [String: String],
        contents: @escaping @Sendable (String) -> [UInt8]?,
        stamp: @escaping @Sendable (String) -> FileStamp?,
        save: @escaping @Sendable ([UInt8], String) -> Bool,
        now: @escaping @Sendable () -> Date,
        pause: @escaping @Sendable (Duration) async -> Void,
        send: @escaping @Sendable (Curl.Request) async throws(CurlFailure) -> Reply,
        run: @escaping @Sendable ([String]) async -> Output?
    ) {
        self.variables = variables
        self.contents = contents
        self.stamp = stamp
        self.save = save
        self.now = now
        self.pause = pause
        self.send = send
        self.run = run
    }

    /// A variable that is there and not empty.
    func variable(_ name: String) -> String? {
        variables[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    func text(_ path: String) -> String? {
        contents(path).map { String(decoding: $0, as: UTF8.self) }
    }

    var home: String { variable("HOME") ?? NSHomeDirectory() }

    /// `~`, `$NAME` and `${NAME}` at their places, as AWS's programs expand paths of files.
    func expanded(_ path: String) -> String {
        var result = ""
        var rest = path[...]
        while let character = rest.popFirst() {
            guard character == "$" else {
                result.append(character)
                continue
            }
            let isBraced = rest.first == "{" && rest.contains("}")
            let name =
                isBraced
                ? rest.dropFirst().prefix { $0 != "}" }
                : rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            guard let value = variables[String(name)] else {
                result.append("$")
                continue
            }
            result += value
            rest = rest.dropFirst(name.count + (isBraced ? 2 : 0))
        }
        if result == "~" { return home }
        return result.hasPrefix("~/") ? home + result.dropFirst() : result
    }

    var configPath: String { expanded(variable("AWS_CONFIG_FILE") ?? "~/.aws/config") }
    var credentialsPath: String { expanded(variable("AWS_SHARED_CREDENTIALS_FILE") ?? "~/.aws/credentials") }
}

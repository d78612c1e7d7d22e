import NIOHTTP1

/// Header fields in the order they came; names compare without case.
package struct Fields: Sendable, Equatable {
    private(set) var headers: HTTPHeaders

    package init() { headers = HTTPHeaders() }

    package init(_ fields: KeyValuePairs<String, String>) {
        headers = HTTPHeaders(fields.map { ($0.key, $0.value) })
    }

    init(_ headers: HTTPHeaders) { self.headers = headers }

    /// The first field of that name.
    package subscript(_ name: String) -> String? { headers.first(name: name) }

    package func all(_ name: String) -> [String] { headers[name] }

    package func contains(_ name: String) -> Bool { headers.contains(name: name) }

    package var count: Int { headers.count }

    package mutating func add(_ name: String, _ value: String) { headers.add(name: name, value: value) }

    package mutating func replace(_ name: String, with value: String) {
        headers.replaceOrAdd(name: name, value: value)
    }

    package mutating func remove(_ name: String) { headers.remove(name: name) }

    /// - Parameter prefix: in lower case, of letters and hyphens.
    package func hasAny(beginningWith prefix: String) -> Bool {
        headers.contains { name, _ in
            name.utf8.count >= prefix.utf8.count && zip(name.utf8, prefix.utf8).allSatisfy { $0 | 0x20 == $1 }
        }
    }

    /// - Parameter prefix: in lower case.
    package mutating func removeAll(beginningWith prefix: String) {
        for (name, _) in headers where name.utf8.count >= prefix.utf8.count && name.lowercased().hasPrefix(prefix) {
            headers.remove(name: name)
        }
    }

    /// Bytes of all names and values.
    var size: Int { headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count } }

    /// A copy for the other side of the router.
    ///
    /// Left out: fields that concern one connection only (RFC 9110, section 7.6.1), those that `Connection` names, and
    /// what is written anew for each side: `Host`, `Content-Length`, `Expect`.
    func forwarded() -> Fields {
        let named = headers[canonicalForm: "connection"]
        var copy = HTTPHeaders()
        // With room for what the other side is told besides: where it was placed, how long it is, when.
        copy.reserveCapacity(headers.count + 6)
        for (name, value) in headers {
            if Self.isPerConnection(name) { continue }
            if !named.isEmpty,
                named.contains(where: { $0.utf8.count == name.utf8.count && $0.lowercased() == name.lowercased() })
            {
                continue
            }
            copy.add(name: name, value: value)
        }
        return Fields(copy)
    }

    private static func isPerConnection(_ name: String) -> Bool {
        // Most names are none of these lengths: only then is a comparison worth its allocation.
        switch name.utf8.count {
        case 2: name.lowercased() == "te"
        case 4: name.lowercased() == "host"
        case 6: name.lowercased() == "expect"
        case 7:
            switch name.lowercased() {
            case "upgrade", "trailer": true
            default: false
            }
        case 8: name.lowercased() == "trailers"
        case 10:
            switch name.lowercased() {
            case "connection", "keep-alive": true
            default: false
            }
        case 14: name.lowercased() == "content-length"
        case 16: name.lowercased() == "proxy-connection"
        case 17: name.lowercased() == "transfer-encoding"
        case 18: name.lowercased() == "proxy-authenticate"
        case 19: name.lowercased() == "proxy-authorization"
        default: false
        }
    }
}

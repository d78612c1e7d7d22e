/// A service of another host, or of this one: what was seen of it over all interfaces and protocols.
package struct FoundService: Equatable, Sendable, Identifiable {
    /// A name is unique on a link, not over all links of this host: with it goes the host that has it.
    package struct ID: Hashable, Sendable {
        package var name: String
        /// In lower case, without a trailing dot: `studio.local`.
        package var host: String

        package init(name: String, host: String) {
            self.name = name
            self.host = host
        }
    }

    package var id: ID
    package var port: Int
    /// The entries of the TXT record in their order. A hint: anyone on the network can write it.
    package var text: [String]
    /// The best to try first; never empty.
    package var addresses: [ServiceAddress]

    package var name: String { id.name }
    package var host: String { id.host }

    package init(id: ID, port: Int, text: [String], addresses: [ServiceAddress]) {
        self.id = id
        self.port = port
        self.text = text
        self.addresses = addresses
    }

    /// The value of the first entry `key=…`; keys are compared without regard to case.
    package func value(_ key: String) -> String? {
        for entry in text {
            guard let sign = entry.firstIndex(of: "="), entry[..<sign].lowercased() == key.lowercased() else {
                continue
            }
            return String(entry[entry.index(after: sign)...])
        }
        return nil
    }
}

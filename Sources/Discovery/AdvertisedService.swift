/// A service as this host wants to be seen.
package struct AdvertisedService: Equatable, Sendable {
    /// What people read in lists. Another host may have the name already: ``DirectoryEvent/registered(name:)`` says
    /// which one it became.
    package var name: String
    /// Such as `_llmstack._tcp`.
    package var type: String
    package var port: Int
    /// `key=value` entries in their order, each of at most 255 bytes.
    package var text: [String]
    /// Such as `_code-smart`: found under `_code-smart._sub._llmstack._tcp` as well.
    package var subtypes: [String]

    package init(name: String, type: String, port: Int, text: [String] = [], subtypes: [String] = []) {
        self.name = name
        self.type = type
        self.port = port
        self.text = text
        self.subtypes = subtypes
    }
}

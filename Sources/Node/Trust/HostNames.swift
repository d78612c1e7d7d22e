/// What other hosts may reach this one by: what its certificate is to say.
package struct HostNames: Equatable, Sendable {
    package var dnsNames: [String]
    /// As text, without zones.
    package var addresses: [String]

    /// - Parameters:
    ///   - hostName: as the system has it.
    ///   - addresses: of the network's interfaces.
    package init(hostName: String, addresses: [String]) {
        let name = hostName.lowercased()
        let label = String(name.prefix { $0 != "." })
        var names = ["localhost"]
        if !label.isEmpty, label != "localhost" {
            names.append("\(label).local")
            if name != label, name != "\(label).local" { names.append(name) }
        }
        dnsNames = names
        self.addresses = ["127.0.0.1", "::1"] + addresses.filter { $0 != "127.0.0.1" && $0 != "::1" }
    }
}

import Cluster
import Wire

/// A cluster listener as DNS-SD announces it: a hint, until the node itself has answered.
package struct RouterSighting: Equatable, Sendable, Identifiable {
    /// A name is unique on a link only: with it goes the host that has it.
    package struct ID: Hashable, Sendable {
        package var name: String
        package var host: String

        package init(name: String, host: String) {
            self.name = name
            self.host = host
        }
    }

    package struct Address: Equatable, Sendable {
        /// Numeric, without a zone.
        package var text: String
        /// Of a network that this host has, too.
        package var isOnLink: Bool
        /// Means something only together with an interface, so it is good for no file.
        package var isLinkLocal: Bool

        package init(_ text: String, isOnLink: Bool = true, isLinkLocal: Bool = false) {
            self.text = text
            self.isOnLink = isOnLink
            self.isLinkLocal = isLinkLocal
        }
    }

    package var id: ID
    package var port: Int
    /// Entries of the TXT record.
    package var txt: [String]
    /// The best to try first.
    package var addresses: [Address]

    package init(id: ID, port: Int, txt: [String], addresses: [Address]) {
        self.id = id
        self.port = port
        self.txt = txt
        self.addresses = addresses
    }

    package struct Way: Equatable, Sendable {
        /// Without a slash at its end.
        package var url: String
        package var isOnLink: Bool
    }

    /// Whether it says that its cluster has keys: then it is asked by TLS.
    private var isKeyed: Bool {
        if case .known(let advertisement) = Advertisement.read(txt) { advertisement.security == .keys } else { false }
    }

    /// URLs to try, in order. They end up in files, so a host with link-local addresses alone goes by its name, which
    /// the system resolves anew each time.
    package var ways: [Way] {
        let lasting = addresses.filter { !$0.isLinkLocal }
        let scheme = isKeyed ? "https" : "http"
        if lasting.isEmpty, !addresses.isEmpty, id.host.hasSuffix(".local"), HostPort.split(id.host)?.host == id.host {
            return [Way(url: "\(scheme)://\(Endpoint(host: id.host, port: port).authority)", isOnLink: true)]
        }
        return lasting.map {
            Way(url: "\(scheme)://\(Endpoint(host: $0.text, port: port).authority)", isOnLink: $0.isOnLink)
        }
    }
}

/// What the directory of the local network tells while routers are looked for.
package enum RouterNews: Equatable, Sendable {
    case available
    /// The directory does not answer.
    case unavailable(reason: String, fix: String)
    /// New, or anything of it changed.
    case found(RouterSighting)
    case lost(RouterSighting.ID)
    /// Whatever could be found quickly has been.
    case allForNow
}

/// A network interface that was searched, or could not be.
package struct SearchedInterface: Equatable, Sendable {
    package var name: String
    /// Numeric.
    package var addresses: [String]
    /// A tunnel, such as a VPN's: multicast does not pass it.
    package var isTunnel: Bool

    package init(name: String, addresses: [String], isTunnel: Bool = false) {
        self.name = name
        self.addresses = addresses
        self.isTunnel = isTunnel
    }
}

/// The directory of the local network, as far as finding routers needs it.
package struct RouterDirectory: Sendable {
    /// Tells `hear` all news, from a single task, until there is no more or its own task is cancelled.
    package var browse: @Sendable (_ hear: @escaping @Sendable (RouterNews) -> Void) async -> Void
    /// Those that are up, without loopback and without bridges to containers.
    package var interfaces: @Sendable () -> [SearchedInterface]

    package init(
        browse: @escaping @Sendable (_ hear: @escaping @Sendable (RouterNews) -> Void) async -> Void,
        interfaces: @escaping @Sendable () -> [SearchedInterface]
    ) {
        self.browse = browse
        self.interfaces = interfaces
    }
}

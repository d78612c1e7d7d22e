import Cluster
import Discovery
import Logging
import Node

extension RouterDirectory {
    /// The directory of this host's networks.
    static func system(environment: [String: String]) -> RouterDirectory {
        RouterDirectory { hear in
            // What the directory would log is among its news.
            let log = Logger(label: "discovery") { _ in SwiftLogNoOpLogHandler() }
            let directory = SystemDirectory.make(environment: environment, log: log)
            let interfaces = SystemInterfaces.current()
            for await event in directory.browse(Advertisement.serviceType) {
                if let news = RouterNews(event, interfaces: interfaces) { hear(news) }
            }
            directory.close()
        } interfaces: {
            SystemInterfaces.current().compactMap { SearchedInterface($0) }
        }
    }
}

extension RouterNews {
    fileprivate init?(_ event: DirectoryEvent, interfaces: [HostInterface]) {
        switch event {
        case .available: self = .available
        case .unavailable(let reason, let fix): self = .unavailable(reason: reason, fix: fix)
        case .found(let service): self = .found(RouterSighting(service, interfaces: interfaces))
        case .lost(let id): self = .lost(.init(name: id.name, host: id.host))
        case .allForNow: self = .allForNow
        case .registered: return nil
        }
    }
}

extension RouterSighting {
    fileprivate init(_ service: FoundService, interfaces: [HostInterface]) {
        let near = interfaces.filter { !$0.isVirtualBridge }
        self.init(
            id: .init(name: service.name, host: service.host), port: service.port, txt: service.text,
            addresses: service.addresses.map { found in
                Address(
                    found.numeric,
                    isOnLink: near.contains { $0.networks.contains { $0.contains(found.address) } },
                    isLinkLocal: found.isLinkLocal)
            })
    }
}

extension SearchedInterface {
    /// nil for those that lead to no other host.
    fileprivate init?(_ interface: HostInterface) {
        guard !interface.isLoopback, !interface.isVirtualBridge else { return nil }
        let addresses = interface.networks.map(\.address)
        let lasting = addresses.filter { !$0.isLinkLocal }
        self.init(
            name: interface.name, addresses: (lasting.isEmpty ? addresses : lasting).map(\.text),
            isTunnel: interface.isPointToPoint)
    }
}

import Discovery
import Testing

struct PublicationTests {
    private typealias Action = Publication.Action

    private static let studio = AdvertisedService(
        name: "studio", type: "_llmstack._tcp", port: 10103, text: ["gen=1"], subtypes: ["_plan"])

    private static func changed(_ change: (inout AdvertisedService) -> Void) -> AdvertisedService {
        var service = studio
        change(&service)
        return service
    }

    private static let second = changed { $0.name = "studio #2" }

    /// Published and on the network.
    private static func running() -> Publication {
        var publication = Publication()
        _ = publication.apply(.wanted(studio), at: .zero)
        _ = publication.apply(.ready, at: .zero)
        _ = publication.apply(.established, at: .zero)
        return publication
    }

    @Test func whatIsWantedIsPublishedOnceTheDirectoryIsReady() {
        var publication = Publication()
        #expect(publication.apply(.wanted(Self.studio), at: .zero) == [])
        #expect(publication.apply(.ready, at: .zero) == [.publish(Self.studio), .addSubtype("_plan", Self.studio)])
        #expect(publication.tick(at: .seconds(1)) == [])
        #expect(publication.apply(.established, at: .seconds(1)) == [.registered(name: "studio")])
        #expect(publication.apply(.established, at: .seconds(2)) == [])
    }

    @Test func onlyWhatChangesIsTouched() {
        var publication = Self.running()
        let text = Self.changed { $0.text = ["gen=2"] }
        #expect(publication.apply(.wanted(text), at: .zero) == [.updateText(text)])
        let tiers = Self.changed {
            $0.text = ["gen=2"]
            $0.subtypes = ["_code-smart"]
        }
        #expect(
            publication.apply(.wanted(tiers), at: .zero)
                == [.removeSubtype("_plan", tiers), .addSubtype("_code-smart", tiers)])
        #expect(publication.apply(.wanted(tiers), at: .zero) == [])
    }

    @Test(arguments: [changed { $0.port = 1 }, changed { $0.name = "desk" }, changed { $0.type = "_x._tcp" }])
    func aChangeOfWhatItIsPublishesItAnew(_ service: AdvertisedService) {
        var publication = Self.running()
        #expect(
            publication.apply(.wanted(service), at: .zero)
                == [.withdraw, .publish(service), .addSubtype("_plan", service)])
    }

    @Test func nothingWantedIsWithdrawnOnce() {
        var publication = Self.running()
        #expect(publication.apply(.wanted(nil), at: .zero) == [.withdraw])
        #expect(publication.apply(.wanted(nil), at: .zero) == [])
        #expect(publication.apply(.disconnected, at: .zero) == [])
        #expect(publication.apply(.ready, at: .zero) == [])
    }

    @Test func aTakenNameIsChangedAndKept() {
        var publication = Self.running()
        #expect(
            publication.apply(.collided, at: .zero)
                == [.withdraw, .publish(Self.second), .addSubtype("_plan", Self.second)])
        #expect(publication.apply(.established, at: .zero) == [.registered(name: "studio #2")])
        // Not back to the first name, neither for a change nor for a restart of the daemon.
        let text = Self.changed { $0.text = ["gen=2"] }
        let renamed = Self.changed {
            $0.name = "studio #2"
            $0.text = ["gen=2"]
        }
        #expect(publication.apply(.wanted(text), at: .zero) == [.updateText(renamed)])
        #expect(publication.apply(.disconnected, at: .zero) == [])
        #expect(publication.apply(.ready, at: .zero) == [.publish(renamed), .addSubtype("_plan", renamed)])
    }

    @Test func anotherWantedNameStartsAfresh() {
        var publication = Self.running()
        _ = publication.apply(.collided, at: .zero)
        let desk = Self.changed { $0.name = "desk" }
        #expect(
            publication.apply(.wanted(desk), at: .zero) == [.withdraw, .publish(desk), .addSubtype("_plan", desk)])
    }

    @Test func manyCollisionsInARowPause() {
        var publication = Self.running()
        for _ in 0..<10 { #expect(publication.apply(.collided, at: .zero).count == 3) }
        #expect(publication.apply(.collided, at: .zero) == [.withdraw])
        #expect(publication.nextDeadline == .seconds(1))
        let last = Self.changed { $0.name = "studio #12" }
        #expect(publication.tick(at: .milliseconds(999)) == [])
        #expect(publication.tick(at: .seconds(1)) == [.publish(last), .addSubtype("_plan", last)])
    }

    @Test func aNameGivenByTheDirectoryIsTaken() {
        var publication = Publication()
        _ = publication.apply(.wanted(Self.studio), at: .zero)
        _ = publication.apply(.ready, at: .zero)
        #expect(publication.apply(.renamed("studio (2)"), at: .zero) == [.registered(name: "studio (2)")])
        #expect(publication.tick(at: .zero) == [])
    }

    @Test func aFailureIsTriedAgainEverMoreSeldom() {
        var publication = Self.running()
        var now = Duration.zero
        for pause in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            #expect(publication.apply(.failed, at: now) == [.withdraw])
            #expect(publication.nextDeadline == now + .milliseconds(pause))
            now += .milliseconds(pause - 1)
            #expect(publication.tick(at: now) == [])
            now += .milliseconds(1)
            #expect(publication.tick(at: now) == [.publish(Self.studio), .addSubtype("_plan", Self.studio)])
        }
        _ = publication.apply(.established, at: now)
        _ = publication.apply(.failed, at: now)
        #expect(publication.nextDeadline == now + .milliseconds(500))
    }

    @Test func aNewWishDoesNotWaitForThePause() {
        var publication = Self.running()
        _ = publication.apply(.failed, at: .zero)
        let text = Self.changed { $0.text = ["gen=2"] }
        #expect(publication.apply(.wanted(text), at: .zero) == [.publish(text), .addSubtype("_plan", text)])
    }

    @Test func whileTheHostsNameIsSettledNothingIsPublished() {
        var publication = Self.running()
        #expect(publication.apply(.notReady, at: .zero) == [.withdraw])
        #expect(publication.apply(.wanted(Self.second), at: .zero) == [])
        #expect(publication.apply(.ready, at: .zero).first == .publish(Self.second))
    }
}

struct DaemonConnectionTests {
    private static let absent = DirectoryEvent.unavailable(reason: "absent", fix: "install")
    private static let noBus = DirectoryEvent.unavailable(reason: "no bus", fix: "start")

    private func connection() -> DaemonConnection {
        DaemonConnection(absent: ("absent", "install"), noBus: ("no bus", "start"))
    }

    @Test func itIsOpenedAtOnce() {
        var connection = connection()
        #expect(connection.tick(at: .zero) == [.open])
        #expect(connection.tick(at: .seconds(9)) == [])
        #expect(connection.apply(.answers, at: .zero) == [.tell(.available)])
        #expect(connection.apply(.answers, at: .zero) == [])
    }

    @Test func aDaemonThatHasGoneIsWaitedForAtOnce() {
        var connection = connection()
        _ = connection.tick(at: .zero)
        _ = connection.apply(.answers, at: .zero)
        #expect(connection.apply(.failed(.daemonGone), at: .seconds(5)) == [.close, .tell(Self.absent)])
        #expect(connection.tick(at: .seconds(5)) == [.open])
        #expect(connection.apply(.waits, at: .seconds(5)) == [])
        // Gone again before it answered: no racing around.
        #expect(connection.apply(.failed(.daemonGone), at: .seconds(5)) == [.close])
        #expect(connection.tick(at: .milliseconds(5499)) == [])
        #expect(connection.tick(at: .milliseconds(5500)) == [.open])
    }

    @Test(arguments: [
        (DaemonConnection.Failure.noBus, noBus), (.daemonGone, absent),
        (.other("denied"), .unavailable(reason: "denied", fix: "install")),
    ])
    func aFailureIsToldOnceAndTriedAgain(_ failure: DaemonConnection.Failure, _ event: DirectoryEvent) {
        var connection = connection()
        var now = Duration.zero
        #expect(connection.tick(at: now) == [.open])
        #expect(connection.apply(.failed(failure), at: now) == [.close, .tell(event)])
        for _ in 0..<3 {
            now += .milliseconds(500)
            #expect(connection.nextDeadline == now)
            #expect(connection.tick(at: now) == [.open])
            #expect(connection.apply(.failed(failure), at: now) == [.close])
        }
        #expect(connection.apply(.answers, at: now) == [.tell(.available)])
    }
}

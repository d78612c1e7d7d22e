import Discovery
import Testing

struct LookupScheduleTests {
    private func schedule(lookups: Int = 2, active: Int = 4) -> LookupSchedule {
        var limits = LookupSchedule.Limits()
        limits.lookups = lookups
        limits.active = active
        return LookupSchedule(limits)
    }

    @Test func namesAreLookedUpInTheirOrderAndFewAtOnce() {
        var schedule = schedule()
        for name in ["a", "b", "c"] { schedule.add(name) }
        #expect(schedule.tick(at: .zero) == true)
        #expect(schedule.active.sorted() == ["a", "b"])
        #expect(!schedule.isSettled)
        schedule.answered("a", at: .zero)
        #expect(schedule.tick(at: .zero) == true)
        #expect(schedule.active.sorted() == ["a", "b", "c"])
        schedule.answered("b", at: .zero)
        schedule.answered("c", at: .zero)
        #expect(schedule.tick(at: .zero) == false)
        #expect(schedule.isSettled)
        #expect(schedule.nextDeadline == nil)
    }

    @Test func aNameThatDoesNotAnswerRestsEverLonger() {
        var schedule = schedule()
        schedule.add("a")
        var now = Duration.zero
        for rest in [5, 10, 20, 40, 80, 160, 300, 300] {
            _ = schedule.tick(at: now)
            #expect(schedule.isActive("a"))
            #expect(schedule.nextDeadline == now + .seconds(5))
            now += .seconds(5)
            #expect(schedule.tick(at: now) == true)
            #expect(!schedule.isActive("a"))
            #expect(schedule.isSettled)
            #expect(schedule.hopeless == "a")
            #expect(schedule.nextDeadline == now + .seconds(rest))
            now += .seconds(rest)
        }
    }

    @Test func namesThatDoNotAnswerDoNotKeepOthersWaiting() {
        var schedule = schedule()
        for name in ["a", "b", "c"] { schedule.add(name) }
        _ = schedule.tick(at: .zero)
        _ = schedule.tick(at: .seconds(5))
        #expect(schedule.active.sorted() == ["c"])
        // A new name goes before those that had their turn.
        schedule.add("d")
        _ = schedule.tick(at: .seconds(10))
        #expect(schedule.isActive("d"))
    }

    @Test func whereThereIsNoRoomTheLongestWatchedMakesWay() {
        var schedule = schedule(lookups: 4, active: 2)
        for name in ["a", "b"] {
            schedule.add(name)
            _ = schedule.tick(at: .zero)
        }
        schedule.answered("a", at: .seconds(1))
        schedule.answered("b", at: .seconds(2))
        schedule.add("c")
        #expect(schedule.tick(at: .seconds(3)) == false)
        #expect(schedule.nextDeadline == .seconds(11))
        #expect(schedule.tick(at: .seconds(11)) == true)
        #expect(schedule.active.sorted() == ["b", "c"])
        schedule.answered("c", at: .seconds(11))
        // And comes back in its turn.
        #expect(schedule.tick(at: .seconds(12)) == true)
        #expect(schedule.active.sorted() == ["a", "c"])
        #expect(schedule.isSettled)
    }

    @Test func aRemovedNameGivesItsPlace() {
        var schedule = schedule(lookups: 1)
        schedule.add("a")
        schedule.add("b")
        _ = schedule.tick(at: .zero)
        schedule.remove("a")
        #expect(schedule.tick(at: .zero) == true)
        #expect(schedule.active.sorted() == ["b"])
    }

    @Test func aFailureRests() {
        var schedule = schedule()
        schedule.add("a")
        _ = schedule.tick(at: .zero)
        schedule.answered("a", at: .zero)
        schedule.failed("a", at: .zero)
        #expect(!schedule.isActive("a"))
        #expect(schedule.nextDeadline == .seconds(5))
    }

    @Test func withTenThousandNamesNoMoreAreActiveThanAllowed() {
        var schedule = LookupSchedule()
        for number in 0..<10_000 { schedule.add("\(number)") }
        for second in 0..<20 {
            _ = schedule.tick(at: .seconds(second))
            for name in schedule.active where name.hasSuffix("7") { schedule.answered(name, at: .seconds(second)) }
            #expect(schedule.active.map { $0 }.count <= 192)
        }
    }
}

//! Which frames leave, and when.

use super::*;

#[tokio::test]
async fn ready_frames_leave_as_one() {
    let mut body = converted([
        data("data: a\n\nda"),
        data("ta: b\n\n"),
        data("data: stop\n\n"),
    ]);
    assert_eq!(body.frame(), "<a><b><stop><end>");
    assert!(body.body().is_end_stream());
    assert!(matches!(body.poll(), Poll::Ready(None)));
    assert!(!body.task.is_woken());
}

#[tokio::test]
async fn what_is_held_waits_for_one_more_look() {
    let mut body = converted([
        data("data: a\n\n"),
        Pending,
        // hyper asks twice in one turn.
        Pending,
        data("data: b\n\n"),
        Pending,
        Pending,
        data("data: c\n\n"),
        Pending,
        Pending,
        Pending,
        Pending,
    ]);
    // hyper has one frame per wake-up: the task wakes itself to look again.
    for _ in 0..6 {
        assert!(body.poll().is_pending());
        assert!(body.task.is_woken());
    }
    assert_eq!(body.frame(), "<a><b><c>");
    // With nothing held it waits for the provider.
    assert!(body.poll().is_pending());
    assert!(!body.task.is_woken());
}

#[tokio::test]
async fn what_is_held_leaves_where_nothing_more_came() {
    let mut body = converted([data("data: a\n\n"), Pending, Pending, Pending, Pending]);
    for _ in 0..2 {
        assert!(body.poll().is_pending());
        assert!(body.task.is_woken());
    }
    assert_eq!(body.frame(), "<a>");
}

#[tokio::test]
async fn what_comes_without_end_is_not_held_without_end() {
    let steps = (0..200).flat_map(|_| [data("data: a\n\n"), Pending]);
    let mut body = converted(steps);
    for _ in 0..63 {
        assert!(body.poll().is_pending());
    }
    assert_eq!(body.frame().len(), 64 * 3);
}

#[tokio::test]
async fn merging_is_bounded() {
    let frames = (0..200).map(|_| data("data: x\n\n"));
    let mut body = converted(frames);
    assert_eq!(body.frame().len(), 64 * 3);
    assert_eq!(body.frame().len(), 64 * 3);
    let large = format!(": {}\n\n", "c".repeat(40_000));
    let mut body = relayed((0..5).map(|_| data(&large)));
    assert_eq!(body.frame().len(), 2 * large.len());
}

#[tokio::test]
async fn events_without_output_yield() {
    let mut body = converted((0..1000).map(|_| data("data: ping\n\n")));
    for _ in 0..3 {
        assert!(body.poll().is_pending());
        assert!(body.task.is_woken());
    }
    let polls = body.body().upstream().unwrap().polls;
    assert_eq!(polls, 3 * 64);
}

#[tokio::test]
async fn a_relayed_frame_alone_is_not_copied() {
    let piece = Bytes::from(CHUNK.to_owned());
    let mut body = relayed([Step::Data(piece.clone()), Pending, Pending, Pending]);
    assert!(body.poll().is_pending());
    assert!(body.poll().is_pending());
    let sent = body.frame();
    assert_eq!((sent.as_ptr(), sent.len()), (piece.as_ptr(), piece.len()));
}

#[tokio::test]
async fn relayed_bytes_are_the_providers() {
    let odd = "\u{feff}: comment\r\n\r\nid: 7\r\nevent: never-heard-of\r\ndata: {\"choices\":[]}\r\n\r\nretry: 5\n\ndata: é\n\n";
    let text = format!("{odd}{FINISH}{DONE}data: after the end");
    for size in [1, 2, 3, 7, 1000] {
        let steps = text
            .as_bytes()
            .chunks(size)
            .map(|chunk| Step::Data(Bytes::copy_from_slice(chunk)));
        assert_eq!(relayed(steps).all().await, (text.clone(), None), "{size}");
    }
}

#[tokio::test]
async fn trailers_are_no_event() {
    let mut body = relayed([data(FINISH), Trailers]);
    assert_eq!(body.all().await, (FINISH.to_owned(), None));
}

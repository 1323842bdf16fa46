using System.ComponentModel.DataAnnotations;

namespace Ard.Trainers.Attacks;

/// <summary>
/// The Square attack (Andriushchenko, Croce, Flammarion and Hein, "Square attack: a query-efficient black-box adversarial attack via random
/// search", ECCV 2020): tries random changes of square windows, ever smaller ones, and keeps those that make the margin larger. It needs
/// the network's logits only. L1: Croce and Hein, "Mind the box", ICML 2021. The last two dimensions of a point are its height and width,
/// those before them its channels; points of one dimension are images of one row.
/// </summary>
/// <remarks>
/// Returns the first misclassified point met, otherwise the point of the largest margin. Images that the network gets wrong unattacked are
/// returned as they are. As in AutoAttack's code, by which published figures are made, no window smaller than the image reaches the last
/// row or column. Unlike there, windows and colours are drawn for each point by itself, so that a point is attacked alike in every batch.
/// </remarks>
/// <param name="options">The settings; default 5000 queries from one random start.</param>
internal sealed class Square(SquareOptions? options = null) : Attack<SquareOptions>(options)
{
    // The queries after which the share that a window covers halves.
    private static readonly int[] Halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

    // After so many queries the broken points leave the batch: the one moment at which the host waits for the device to know which.
    private const int Block = 16;

    public override AttackKind Kind => AttackKind.GradientFree;
    public override IReadOnlyList<Norm> Norms { get; } = Enum.GetValues<Norm>();

    /// <summary><c>square</c>; then the queries where they are not 5000, and the restarts where there are several.</summary>
    public override string Name => "square" + AttackCatalog.Figures(Options.Queries, standard: 5000, Options.Restarts);

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        var worst = new WorstPoints(images);
        var windows = SquareWindows.Create(threat, images.shape);
        var left = StepTensors.TruePlaces(target.Logits(images).argmax(1).eq(labels));
        var rows = StepTensors.Index(left, labels);
        noise = noise.Select(left);
        for (var restart = 0; restart < Options.Restarts && rows.shape[0] > 0; restart++)
        {
            using var scope = NewDisposeScope();
            var broken = Search(target, images.index_select(0, rows), labels.index_select(0, rows), rows, windows, noise, worst);
            left = StepTensors.TruePlaces(broken.logical_not());
            rows = rows.index_select(0, StepTensors.Index(left, rows)).MoveToOuterDisposeScope();
            noise = noise.Select(left);
        }
        return worst.Points;
    }

    // One restart on images that the network gets right; returns which of them are broken.
    private Tensor Search(
        AttackTarget target, Tensor images, Tensor labels, Tensor rows, SquareWindows windows, PointNoise noise, WorstPoints worst)
    {
        var best = windows.Start(images, noise.Uniform(images.new_empty([images.shape[0], windows.StartNumbers])));
        var (margin, broken) = Query(target, best, labels, rows);
        for (var first = 0; first < Options.Queries; first += Block)
        {
            using var blockScope = NewDisposeScope();
            var active = broken.logical_not().nonzero().flatten();
            if (active.shape[0] == 0) break;
            var numbers = noise.Uniform(images.new_empty([images.shape[0], Block, windows.StepNumbers])).index_select(0, active);
            var (clean, truth, whose) = (images.index_select(0, active), labels.index_select(0, active), rows.index_select(0, active));
            var (points, theirs, done) = (best.index_select(0, active), margin.index_select(0, active), broken.index_select(0, active));
            for (var query = first; query < Math.Min(first + Block, Options.Queries); query++)
            {
                using var scope = NewDisposeScope();
                var tried = windows.Step(points, clean, Share(query), numbers.select(1, query - first));
                var (its, misclassified) = Query(target, tried, truth, whose);
                // A misclassified point is always taken, and then stays.
                var taken = its.gt(theirs).logical_or(misclassified).logical_and(done.logical_not());
                points.copy_(where(ThreatModel.PerPoint(taken, points), tried, points));
                theirs.copy_(where(taken, its, theirs));
                done.copy_(done.logical_or(misclassified));
            }
            best.index_copy_(0, active, points);
            margin.index_copy_(0, active, theirs);
            broken.index_copy_(0, active, done);
        }
        worst.Offer(rows, best, margin, broken);
        return broken;
    }

    // The share of the image that a window covers.
    private double Share(int query) => Options.Share / (1 << Halvings.Count(halving => query > halving));

    private static (Tensor Margin, Tensor Misclassified) Query(AttackTarget target, Tensor points, Tensor labels, Tensor rows)
    {
        var logits = target.Logits(points, rows);
        return (AttackLosses.Margin(logits, labels), logits.argmax(1).ne(labels));
    }
}

/// <summary>The settings of <see cref="Square"/>. The defaults are those of AutoAttack.</summary>
public sealed record SquareOptions
{
    /// <summary>How many changes are tried on each image in a restart, after the start. Default 5000.</summary>
    [Range(1, int.MaxValue)]
    public int Queries { get; init; } = 5000;

    /// <summary>How often the attack is run, each time from another random start, on the points not yet broken. Default 1.</summary>
    [Range(1, int.MaxValue)]
    public int Restarts { get; init; } = 1;

    /// <summary>
    /// The share p of the image that the first windows cover, above 0 and at most 1. It halves after 10, 50, 200, 500, 1000, 2000, 4000,
    /// 6000 and 8000 queries, whatever <see cref="Queries"/> is. Default 0.8.
    /// </summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Share { get; init; } = 0.8;
}

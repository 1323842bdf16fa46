namespace Ard.Trainers.Attacks;

/// <summary>
/// The Square attack (Andriushchenko et al., ECCV 2020; L1: Croce and Hein, ICML 2021): tries random changes of square windows, ever
/// smaller ones, and keeps those that make the margin larger, by logits only. The last two dimensions of a point are its height and width,
/// those before them its channels; points of one dimension are images of one row.
/// </summary>
/// <remarks>
/// Returns the first misclassified point met, else that of the largest margin; images wrong unattacked as they are. As in AutoAttack's code
/// no window smaller than the image reaches the last row or column. Unlike there, windows and colours are drawn for each point by itself,
/// so that a point is attacked alike in every batch.
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
            StepTensors.Keep(broken.logical_not(), ref rows, ref noise);
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

    /// <summary>The share of the image that the first windows cover, halved after 10, 50, 200 … 8000 queries. Default 0.8.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Share { get; init; } = 0.8;
}

/// <summary>The changes in one norm: pure functions of the points and of each point's own numbers, uniform in [-1,1).</summary>
internal abstract class SquareWindows(ThreatModel threat, long[] shape)
{
    /// <summary>The changes in the norm of the threat model, of images in batches of this shape.</summary>
    public static SquareWindows Create(ThreatModel threat, long[] shape) =>
        threat.Norm == Norm.Linf ? new Colours(threat, shape) : new Bumps(threat, shape);

    public abstract long StartNumbers { get; }
    public abstract long StepNumbers { get; }
    private long Width { get; } = shape[^1];
    private long Height { get; } = shape.Length > 2 ? shape[^2] : 1;
    private long Channels => shape[1..].Aggregate(1L, (product, size) => product * size) / (Height * Width);
    private ThreatModel Threat => threat;
    private double Epsilon => threat.Epsilon;

    /// <summary>The first points [n,...], by numbers [n,StartNumbers].</summary>
    public Tensor Start(Tensor images, Tensor numbers) => Start4(Planes(images), numbers).reshape(Like(images));

    /// <summary>The points [n,...] with a window changed that covers this share of the image, by numbers [n,StepNumbers].</summary>
    public Tensor Step(Tensor points, Tensor images, double share, Tensor numbers)
    {
        var side = (long)Math.Round(Math.Sqrt(share * Height * Width));
        return Step4(Planes(points), Planes(images), side, numbers).reshape(Like(images));
    }

    // The same on [n,channels,height,width].
    private protected abstract Tensor Start4(Tensor images, Tensor numbers);

    private protected abstract Tensor Step4(Tensor points, Tensor images, long side, Tensor numbers);
    private Tensor Planes(Tensor points) => points.reshape(points.shape[0], Channels, Height, Width);
    private long[] Like(Tensor points) => [points.shape[0], .. shape[1..]];

    // A place of windows of the size along an axis of the length for each point, each place alike likely but for the last one, which is
    // never taken where there is another (see Square): the distance of every pixel from the window's first one [n,length].
    private static Tensor Offsets(Tensor number, long size, long length)
    {
        var places = Math.Max(length - size, 1);
        var first = number.Plus(1).Times(0.5 * places).floor().ClampMax(places - 1);
        return Arange(length, dtype: number.dtype, device: number.device).unsqueeze(0) - first.unsqueeze(1);
    }

    // Which pixels are in the window [n,1,height,width].
    private static Tensor Inside(Tensor rows, Tensor columns, long height, long width) =>
        rows.Ge(0).logical_and(rows.Lt(height)).reshape(-1, 1, rows.shape[1], 1)
            .logical_and(columns.Ge(0).logical_and(columns.Lt(width)).reshape(-1, 1, 1, columns.shape[1]));

    // 1 or -1 for each number.
    private static Tensor Signs(Tensor numbers) => numbers.Ge(0).to(numbers.dtype).Mul_(2).Sub_(1);

    /// <summary>Linf: every value is at an end of its range. Start: stripes; step: a window of one colour.</summary>
    private sealed class Colours(ThreatModel threat, long[] shape) : SquareWindows(threat, shape)
    {
        public override long StartNumbers => Channels * Width;
        public override long StepNumbers => 2 + Channels;

        private protected override Tensor Start4(Tensor images, Tensor numbers) =>
            images.Plus(Signs(numbers).Mul_(Epsilon).reshape(-1, Channels, 1, Width)).Clamp_(0, 1);

        private protected override Tensor Step4(Tensor points, Tensor images, long side, Tensor numbers)
        {
            var (height, width) = (Math.Clamp(side, 1, Height), Math.Clamp(side, 1, Width));
            var rows = Offsets(numbers.select(1, 0), height, Height);
            var columns = Offsets(numbers.select(1, 1), width, Width);
            var colours = Signs(numbers.narrow(1, 2, Channels)).Mul_(Epsilon).reshape(-1, Channels, 1, 1);
            return where(Inside(rows, columns, height, width), images.Plus(colours).Clamp_(0, 1), points);
        }
    }

    /// <summary>
    /// L2 and L1: the whole budget is spent. Start: a grid of bumps; step: what is in one window moves to another, as a bump on what was
    /// there (algorithm 3). In L1, as in AutoAttack's code, bumps are steeper, and what is beyond ball and box is projected.
    /// </summary>
    private sealed class Bumps(ThreatModel threat, long[] shape) : SquareWindows(threat, shape)
    {
        // The grid of the start: five bumps along the shorter axis.
        private long Tile => Math.Max(Math.Min(Height, Width) / 5, 1);

        private long TilesDown => Height / Tile;
        private long TilesAcross => Width / Tile;
        public override long StartNumbers => TilesDown * TilesAcross * (1 + Channels);
        public override long StepNumbers => 5 + Channels;

        private protected override Tensor Start4(Tensor images, Tensor numbers)
        {
            var (tiles, height, width) = (TilesDown * TilesAcross, TilesDown * Tile, TilesAcross * Tile);
            // [n,channels,down,in the tile,across,in the tile]
            var turned = numbers.narrow(1, 0, tiles).Ge(0).reshape(-1, 1, TilesDown, 1, TilesAcross, 1);
            var signs = Signs(numbers.narrow(1, tiles, tiles * Channels)).reshape(-1, Channels, TilesDown, 1, TilesAcross, 1);
            var bump = Bump(Tile, images);
            var bumps = where(turned, bump.t().reshape(1, 1, 1, Tile, 1, Tile), bump.reshape(1, 1, 1, Tile, 1, Tile)) * signs;
            var change = zeros_like(images);
            change.narrow(2, (Height - height) / 2, height).narrow(3, (Width - width) / 2, width)
                .copy_(bumps.reshape(-1, Channels, height, width));
            return Spend(images, change);
        }

        private protected override Tensor Step4(Tensor points, Tensor images, long side, Tensor numbers)
        {
            // Odd and at least 3, where the image has room for it.
            side = Math.Min(Math.Max(side, 3) | 1, Math.Min(Height, Width));
            var (rows, columns) = (Offsets(numbers.select(1, 0), side, Height), Offsets(numbers.select(1, 1), side, Width));
            var grown = Inside(rows, columns, side, side);
            var emptied = Inside(Offsets(numbers.select(1, 2), side, Height), Offsets(numbers.select(1, 3), side, Width), side, side);
            var change = points - images;
            var there = change * grown;
            var rest = change.MaskedFill(grown.logical_or(emptied), 0);

            var signs = Signs(numbers.narrow(1, 5, Channels)).reshape(-1, Channels, 1, 1);
            var shape = (Placed(Bump(side, images), rows, columns, numbers.select(1, 4).Ge(0)) * signs).Plus(there / Length(there));
            // What the windows held, channel by channel, and a share of what clamping to [0,1] has left unspent.
            var spent = Spent(change);
            var budget = Euclidean ? Epsilon * Epsilon : Epsilon;
            var unspent = budget.Minus(spent.sum([1], keepdim: true)).ClampMin(0).Over(Channels);
            var amount = unspent.Plus((spent - Spent(rest)).ClampMin(0));
            var size = Euclidean ? amount.sqrt() : amount.Times(Channels);
            return Spend(images, rest.Plus(shape * (size / Length(shape))));
        }

        private bool Euclidean => Threat.Norm == Norm.L2;

        // L2: the image with the change stretched to the whole budget; L1: with so much of the change as is allowed.
        private Tensor Spend(Tensor images, Tensor change) => Euclidean
            ? images.PlusScaled(Threat.SteepestAscent(change), Epsilon).Clamp_(0, 1)
            : Threat.Project(images.Plus(change), images);

        // What each channel takes of the budget, in L2 of its square.
        private Tensor Spent(Tensor change) => (Euclidean ? change.Square() : change.abs()).sum([2, 3], keepdim: true);

        // The length of each channel; not 0, to divide by.
        private Tensor Length(Tensor values) => (Euclidean ? Spent(values).sqrt() : Spent(values)).Add_(1e-12);

        // The bump in each point's window, 0 elsewhere [n,1,height,width]; turned for some of them.
        private static Tensor Placed(Tensor bump, Tensor rows, Tensor columns, Tensor turned)
        {
            // A border of zeros is what pixels outside the window look up.
            var side = bump.shape[0];
            var bordered = bump.new_zeros([side + 2, side + 2]);
            bordered.narrow(0, 1, side).narrow(1, 1, side).copy_(bump);
            var (down, across) = (Index(rows).unsqueeze(2), Index(columns).unsqueeze(1));
            var index = where(turned.reshape(-1, 1, 1), across.Times(side + 2).Plus(down), down.Times(side + 2).Plus(across));
            return bordered.take(index).unsqueeze(1);

            Tensor Index(Tensor offsets) => offsets.Plus(1).Clamp_(0, side + 1).to(ScalarType.Int64);
        }

        // Two hills of opposite signs, one above the other, of length 1 [side,side] (the paper's section 3.4).
        private Tensor Bump(long side, Tensor like)
        {
            var (upper, lower) = (Hill(side / 2, side), Hill(side - side / 2, side));
            double[] values = [.. upper, .. lower.Select(value => -value)];
            var length = Length(values);
            return tensor([.. values.Select(value => value / length)], [side, side], dtype: like.dtype, device: like.device);
        }

        // A hill of length 1, row by row: Σ 1/j², in L1 Σ 1/j⁴, from the pixel's ring around the centre to the outermost one.
        private double[] Hill(long height, long width)
        {
            var values = new double[height * width];
            for (var i = 0L; i < values.Length; i++)
            {
                var ring = Math.Max(Math.Abs(i / width - height / 2), Math.Abs(i % width - width / 2));
                for (var j = ring + 1; j <= Math.Max(height, width) / 2 + 1; j++) values[i] += 1 / Math.Pow(j, Euclidean ? 2 : 4);
            }
            var length = Length(values);
            return [.. values.Select(value => value / length)];
        }

        private double Length(double[] values) => Euclidean ? Math.Sqrt(values.Sum(value => value * value)) : values.Sum(Math.Abs);
    }
}

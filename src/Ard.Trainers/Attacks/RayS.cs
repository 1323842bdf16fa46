namespace Ard.Trainers.Attacks;

/// <summary>
/// RayS (Chen and Gu, KDD 2020), which asks for classes only. It goes from the image along directions in which every value grows or falls,
/// keeps the one in which the network is wrong first, and turns the signs of ever smaller blocks of it: where the image at the present
/// distance is still misclassified, the distance is halved in on anew. Linf.
/// </summary>
/// <remarks>
/// Returns the first misclassified point met within the budget, else the clean image. Unlike in the authors' code each point has its own
/// place in the schedule, so that each is attacked alike in every batch; and where neither white nor black is misclassified, it begins with
/// random black and white values.
/// </remarks>
/// <param name="queries">How many points are tried of each image, besides the image itself. Default 10000, as in the authors' code.</param>
/// <param name="stopsWithinBudget">Default true; false goes on to the closest point.</param>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="queries"/> is below 1.</exception>
internal sealed class RayS(int queries = RayS.StandardQueries, bool stopsWithinBudget = true) : Attack
{
    public const int StandardQueries = 10_000;

    private readonly int queries =
        queries > 0 ? queries : throw new ArgumentOutOfRangeException(nameof(queries), queries, "expected 1 or more");

    public override string Name => "rays" + AttackCatalog.Figures(queries, StandardQueries, restarts: 1);
    public override string Description => stopsWithinBudget ? Name : $"{Name} to the closest point";
    public override IReadOnlyList<Norm> Norms { get; } = [Norm.Linf];
    public override AttackKind Kind => AttackKind.GradientFree;
    internal override Attack WithoutEarlyStop => new RayS(queries, stopsWithinBudget: false);

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        var found = images.clone();
        var signs = ones_like(images).flatten(1);
        var place = Arange(signs.shape[1], device: images.device);
        var rays = StepTensors.TruePlaces(target.Logits(images).argmax(1).eq(labels))
            .Select(row => new Ray(row, signs.shape[1], noise.Select([row]))).ToList();
        for (var query = 0; query < queries && rays.Count > 0; query++)
        {
            using var scope = NewDisposeScope();
            foreach (var ray in rays.Where(ray => ray.TriesCorner)) signs[ray.Row].copy_(ray.Corner(signs[ray.Row]));
            var rows = StepTensors.Index([.. rays.Select(ray => ray.Row)], labels);
            var (own, clean, truth) = (signs.index_select(0, rows), images.index_select(0, rows), labels.index_select(0, rows));
            var turned = place.ge(Each(ray => ray.Block.First)).logical_and(place.lt(Each(ray => ray.Block.End)));
            var direction = where(turned, own.neg(), own);
            var change = (direction * Each(ray => ray.Distance).to(own.dtype)).reshape(clean.shape);
            var points = clean.Plus(change).Clamp_(0, 1);
            var broken = target.Logits(points, rows).argmax(1).ne(truth).cpu().data<bool>().ToArray();

            var won = Places(i => broken[i] && rays[i].Distance <= threat.Epsilon);
            found.index_copy_(0, rows.index_select(0, won), points.index_select(0, won));
            var shorter = Places(i => rays[i].Update(broken[i]));
            signs.index_copy_(0, rows.index_select(0, shorter), direction.index_select(0, shorter));
            if (stopsWithinBudget) rays.RemoveAll(ray => ray.Reach <= threat.Epsilon);

            Tensor Each(Func<Ray, double> number) => tensor(rays.Select(number).ToArray(), device: images.device).unsqueeze(1);
            Tensor Places(Func<int, bool> which) =>
                StepTensors.Index([.. PointNoise.Rows(broken.Length).Where(i => which((int)i))], labels);
        }
        return found;
    }

    /// <summary>How far the search of one image has come: first a corner of [0,1], then block by block.</summary>
    private sealed class Ray(long row, long values, PointNoise noise)
    {
        // A thousandth in Euclidean length, as in the authors' code.
        private readonly double tolerance = 1e-3 / Math.Sqrt(values);
        private bool searching;
        // In a search the farthest point that is right; and that of the last search.
        private double right, lastRight;
        private int corners, level = 1;
        private long block = -1;

        public long Row => row;

        /// <summary>How far it is at most to a misclassified point in the direction of the signs; infinite where none is known.</summary>
        public double Reach { get; private set; } = double.PositiveInfinity;

        /// <summary>How far to go now. At 1 every value has come to an end of [0,1].</summary>
        public double Distance { get; private set; } = 1;

        public bool TriesCorner => double.IsInfinity(Reach);

        /// <summary>Which of the signs are turned now: none for a corner, nor while a distance is searched.</summary>
        public (long First, long End) Block => TriesCorner || searching ? (0, 0) : (block * Length, (block + 1) * Length);

        // Half the signs, then quarters, at last single ones over and over.
        private long Length => (values + (1L << level) - 1) >> level;

        public Tensor Corner(Tensor like) => corners switch
        {
            0 => ones_like(like),
            1 => ones_like(like).neg(),
            _ => noise.Uniform(like.unsqueeze(0)).squeeze(0).sign(),
        };

        /// <summary>Takes the answer; returns whether the signs are from now on those of the direction that was tried.</summary>
        public bool Update(bool broken)
        {
            var tried = !searching;
            if (broken) Reach = Distance;
            if (tried && broken) (searching, right) = (true, 0);
            else if (!broken) right = Distance;
            if (searching && Reach - right > tolerance)
            {
                // First where the last search ended: most blocks change little.
                Distance = tried && lastRight > 0 ? lastRight : (right + Reach) / 2;
            }
            else
            {
                if (searching) (searching, lastRight) = (false, right);
                Next();
                Distance = Math.Min(Reach, 1);
            }
            return tried && broken;
        }

        private void Next()
        {
            if (TriesCorner) corners++;
            else if (++block * Length >= values)
            {
                block = 0;
                if (Length > 1) level++;
            }
        }
    }
}

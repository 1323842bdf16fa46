// Learning rate schedules. As in PyTorch, a schedule moves the rate from where it is (get_lr), or, where step is told the epoch,
// computes it from the initial rate (get_closed_form_lr). The base is the rate of the optimizer's construction.
using static TorchSharp.torch.optim.lr_scheduler.impl;

namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static class lr_scheduler
        {
            public abstract class LRScheduler
            {
                private readonly bool verbose;
                private double[] last = [];

                protected int _step_count;

                private protected LRScheduler(Optimizer optimizer, int last_epoch = -1, bool verbose = false)
                {
                    this.verbose = verbose;
                    Groups = optimizer.ParamGroups.ToArray();
                    Base = Array.ConvertAll(Groups, group => group.InitialLearningRate);
                    last = Rates;
                    Epoch = last_epoch;
                }

                internal int Epoch { get; set; }

                private protected ILearningRateController[] Groups { get; }

                private protected double[] Base { get; }

                private protected double[] Rates => Array.ConvertAll(Groups, group => group.LearningRate);

                public virtual void step() => step(null);

                /// <summary>The first argument is for schedules that follow a measurement; these do not.</summary>
                public virtual void step(double current, int? epoch = null) => step(epoch);

                public virtual void step(int? epoch)
                {
                    _step_count++;
                    Epoch = epoch ?? Epoch + 1;
                    last = (epoch is null ? get_lr() : get_closed_form_lr()).ToArray();
                    for (int i = 0; i < Groups.Length; i++)
                    {
                        if (verbose && Groups[i].LearningRate != last[i])
                            Console.WriteLine(FormattableString.Invariant($"Adjusting learning rate to {last[i]}"));
                        Groups[i].LearningRate = last[i];
                    }
                }

                protected virtual IEnumerable<double> get_lr() => Rates;

                protected virtual IEnumerable<double> get_closed_form_lr() => get_lr();

                public IEnumerable<double> get_last_lr() => last;

                private protected IEnumerable<double> Scaled(double factor) => Rates.Select(rate => rate * factor);

                private protected IEnumerable<double> ScaledBase(double factor) => Base.Select(rate => rate * factor);
            }

            public static class impl
            {
                public class StepLR : LRScheduler
                {
                    private readonly int size;
                    private readonly double gamma;

                    public StepLR(Optimizer optimizer, int step_size, double gamma = 0.1, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        (size, this.gamma) = (step_size, gamma);
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => Epoch != 0 && Epoch % size == 0 ? Scaled(gamma) : Rates;

                    protected override IEnumerable<double> get_closed_form_lr() => ScaledBase(Math.Pow(gamma, Epoch / size));
                }

                public class MultiStepLR : LRScheduler
                {
                    private readonly HashSet<int> milestones;
                    private readonly double gamma;

                    public MultiStepLR(
                        Optimizer optimizer, IList<int> milestones, double gamma = 0.1, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        (this.milestones, this.gamma) = ([.. milestones], gamma);
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => milestones.Contains(Epoch) ? Scaled(gamma) : Rates;

                    protected override IEnumerable<double> get_closed_form_lr() =>
                        ScaledBase(Math.Pow(gamma, milestones.Count(milestone => milestone <= Epoch)));
                }

                public class ExponentialLR : LRScheduler
                {
                    private readonly double gamma;

                    public ExponentialLR(Optimizer optimizer, double gamma = 0.1, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        this.gamma = gamma;
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => Epoch == 0 ? Rates : Scaled(gamma);

                    protected override IEnumerable<double> get_closed_form_lr() => ScaledBase(Math.Pow(gamma, Epoch));
                }

                public class ConstantLR : LRScheduler
                {
                    private readonly double factor;
                    private readonly int total;

                    public ConstantLR(
                        Optimizer optimizer, double factor = 1.0 / 3, int total_iters = 5, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        (this.factor, total) = (factor, total_iters);
                        step();
                    }

                    protected override IEnumerable<double> get_lr() =>
                        Epoch == 0 ? Scaled(factor) : Epoch == total ? Scaled(1 / factor) : Rates;

                    protected override IEnumerable<double> get_closed_form_lr() => ScaledBase(Epoch >= total ? 1 : factor);
                }

                public class LinearLR : LRScheduler
                {
                    private readonly double start, end;
                    private readonly int total;

                    public LinearLR(
                        Optimizer optimizer, double start_factor = 1.0 / 3, double end_factor = 1, int total_iters = 5, int last_epoch = -1,
                        bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        (start, end, total) = (start_factor, end_factor, total_iters);
                        step();
                    }

                    protected override IEnumerable<double> get_lr() =>
                        Epoch == 0 ? Scaled(start)
                        : Epoch > total ? Rates
                        : Scaled(1 + (end - start) / (total * start + (Epoch - 1) * (end - start)));

                    protected override IEnumerable<double> get_closed_form_lr() =>
                        ScaledBase(start + (end - start) * Math.Min(total, Epoch) / total);
                }

                public class LambdaLR : LRScheduler
                {
                    private readonly Func<int, double>[] factors;

                    public LambdaLR(Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false)
                        : this(optimizer, Enumerable.Repeat(lr_lambda, optimizer.ParamGroups.Count()), last_epoch, verbose)
                    { }

                    public LambdaLR(
                        Optimizer optimizer, IEnumerable<Func<int, double>> lr_lambdas, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        factors = lr_lambdas.ToArray();
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => Base.Select((rate, i) => rate * factors[i](Epoch));
                }

                public class CosineAnnealingLR : LRScheduler
                {
                    private readonly double period, least;

                    public CosineAnnealingLR(
                        Optimizer optimizer, double T_max, double eta_min = 0, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        (period, least) = (T_max, eta_min);
                        step();
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        if (Epoch == 0) return Rates;
                        // The chained form divides by zero just after a minimum.
                        if ((Epoch - 1 - period) % (2 * period) == 0)
                            return Rates.Zip(Base, (rate, start) => rate + (start - least) * (1 - Math.Cos(Math.PI / period)) / 2);
                        double factor = Wave(Epoch) / Wave(Epoch - 1);
                        return Rates.Select(rate => factor * (rate - least) + least);
                    }

                    protected override IEnumerable<double> get_closed_form_lr() =>
                        Base.Select(start => least + (start - least) * Wave(Epoch) / 2);

                    private double Wave(int epoch) => 1 + Math.Cos(Math.PI * epoch / period);
                }

                public class OneCycleLR : LRScheduler
                {
                    public enum AnnealStrategy { Cos = 0, Linear = 1 }

                    private readonly record struct Phase(double End, double[] From, double[] To, double MomentumFrom, double MomentumTo);

                    private readonly int total;
                    private readonly Phase[] phases;
                    private readonly AnnealStrategy strategy;
                    private readonly bool cycleMomentum;

                    public OneCycleLR(
                        Optimizer optimizer, double max_lr, int total_steps = -1, int epochs = -1, int steps_per_epoch = -1,
                        double pct_start = 0.3, AnnealStrategy anneal_strategy = AnnealStrategy.Cos, bool cycle_momentum = true,
                        double base_momentum = 0.85, double max_momentum = 0.95, double div_factor = 25, double final_div_factor = 10000,
                        bool three_phase = false, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        if (total_steps <= 0 && (epochs <= 0 || steps_per_epoch <= 0))
                            throw new ArgumentException("You must define either total_steps OR (epochs AND steps_per_epoch)");
                        if (pct_start is < 0 or > 1)
                            throw new ArgumentException($"Expected float between 0 and 1 for pct_start, but got {pct_start}");
                        (strategy, cycleMomentum) = (anneal_strategy, cycle_momentum);
                        total = total_steps > 0 ? total_steps : epochs * steps_per_epoch;
                        double[] max = Array.ConvertAll(Groups, _ => max_lr);
                        double[] initial = Array.ConvertAll(max, rate => rate / div_factor);
                        double[] least = Array.ConvertAll(initial, rate => rate / final_div_factor);
                        double up = pct_start * total - 1, down = 2 * pct_start * total - 2;
                        phases = three_phase
                            ?
                            [
                                new(up, initial, max, max_momentum, base_momentum),
                                new(down, max, initial, base_momentum, max_momentum),
                                new(total - 1, initial, least, max_momentum, max_momentum),
                            ]
                            : [new(up, initial, max, max_momentum, base_momentum), new(total - 1, max, least, base_momentum, max_momentum)];
                        step();
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        if (Epoch > total)
                            throw new InvalidOperationException(
                                $"Tried to step {Epoch + 1} times. The specified number of total steps is {total}");
                        double start = 0;
                        int i = 0;
                        for (; i < phases.Length - 1 && Epoch > phases[i].End; i++) start = phases[i].End;
                        Phase phase = phases[i];
                        double share = (Epoch - start) / (phase.End - start);
                        if (cycleMomentum)
                        {
                            double momentum = Between(phase.MomentumFrom, phase.MomentumTo, share);
                            foreach (ILearningRateController group in Groups)
                            {
                                if (group is IMomentum heavy) heavy.Momentum = momentum;
                                else if (group is IBetas averaged) averaged.Betas = (momentum, averaged.Betas.Item2);
                            }
                        }
                        return phase.From.Zip(phase.To, (from, to) => Between(from, to, share)).ToArray();
                    }

                    private double Between(double from, double to, double share) =>
                        strategy == AnnealStrategy.Cos
                            ? to + (from - to) / 2.0 * (Math.Cos(Math.PI * share) + 1)
                            : (to - from) * share + from;
                }

                public class SequentialLR : LRScheduler
                {
                    private readonly LRScheduler[] schedulers;
                    private readonly int[] milestones;

                    public SequentialLR(
                        Optimizer optimizer, IEnumerable<LRScheduler> schedulers, IEnumerable<int> milestones, int last_epoch = -1)
                        : base(optimizer, last_epoch)
                    {
                        (this.schedulers, this.milestones) = (schedulers.ToArray(), milestones.ToArray());
                        if (this.schedulers.Length != this.milestones.Length + 1)
                            throw new ArgumentException(
                                $"Received {this.schedulers.Length} schedulers and {this.milestones.Length} milestones. " +
                                "The SequentialLR scheduler expects the number of schedulers to be one more than " +
                                "the number of milestones. ");
                        // Each has made its first step, on top of the others'. Back to the beginning; then only the first one's counts.
                        for (int i = 0; i < Groups.Length; i++) Groups[i].LearningRate = Base[i];
                        foreach (LRScheduler scheduler in this.schedulers) scheduler.Epoch--;
                        step();
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        int at = milestones.Count(milestone => milestone <= Epoch);
                        if (at > 0 && milestones[at - 1] == Epoch) schedulers[at].step(0);
                        else schedulers[at].step();
                        return schedulers[at].get_last_lr();
                    }
                }
            }

            public static LRScheduler StepLR(
                Optimizer optimizer, int step_size, double gamma = 0.1, int last_epoch = -1, bool verbose = false) =>
                new StepLR(optimizer, step_size, gamma, last_epoch, verbose);

            public static LRScheduler MultiStepLR(
                Optimizer optimizer, IList<int> milestones, double gamma = 0.1, int last_epoch = -1, bool verbose = false) =>
                new MultiStepLR(optimizer, milestones, gamma, last_epoch, verbose);

            public static LRScheduler ExponentialLR(Optimizer optimizer, double gamma = 0.1, int last_epoch = -1, bool verbose = false) =>
                new ExponentialLR(optimizer, gamma, last_epoch, verbose);

            public static LRScheduler ConstantLR(
                Optimizer optimizer, double factor = 1.0 / 3, int total_iters = 5, int last_epoch = -1, bool verbose = false) =>
                new ConstantLR(optimizer, factor, total_iters, last_epoch, verbose);

            public static LRScheduler LinearLR(
                Optimizer optimizer, double start_factor = 1.0 / 3, double end_factor = 1, int total_iters = 5, int last_epoch = -1,
                bool verbose = false) =>
                new LinearLR(optimizer, start_factor, end_factor, total_iters, last_epoch, verbose);

            public static LRScheduler LambdaLR(
                Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false) =>
                new LambdaLR(optimizer, lr_lambda, last_epoch, verbose);

            public static LRScheduler CosineAnnealingLR(
                Optimizer optimizer, double T_max, double eta_min = 0, int last_epoch = -1, bool verbose = false) =>
                new CosineAnnealingLR(optimizer, T_max, eta_min, last_epoch, verbose);

            public static LRScheduler OneCycleLR(
                Optimizer optimizer, double max_lr, int total_steps = -1, int epochs = -1, int steps_per_epoch = -1, double pct_start = 0.3,
                OneCycleLR.AnnealStrategy anneal_strategy = impl.OneCycleLR.AnnealStrategy.Cos, bool cycle_momentum = true,
                double base_momentum = 0.85, double max_momentum = 0.95, double div_factor = 25, double final_div_factor = 10000,
                bool three_phase = false, int last_epoch = -1, bool verbose = false) =>
                new OneCycleLR(
                    optimizer, max_lr, total_steps, epochs, steps_per_epoch, pct_start, anneal_strategy, cycle_momentum, base_momentum,
                    max_momentum, div_factor, final_div_factor, three_phase, last_epoch, verbose);

            public static LRScheduler SequentialLR(
                Optimizer optimizer, IEnumerable<LRScheduler> schedulers, IEnumerable<int> milestones, int last_epoch = -1) =>
                new SequentialLR(optimizer, schedulers, milestones, last_epoch);
        }
    }
}

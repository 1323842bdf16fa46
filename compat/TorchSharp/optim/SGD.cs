using TorchSharp.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>
    /// Stochastic gradient descent with momentum, as PyTorch computes it, by a handful of operators over lists of tensors. With
    /// maximize the last step goes up; weight decay keeps its sign, as in TorchSharp.
    /// </summary>
    public class SGD : OptimizerHelper, optim.IMomentum
    {
        private readonly Options defaults;

        internal SGD(
            IEnumerable<ParamGroup> groups, double lr, double momentum, double dampening, double weight_decay, bool nesterov, bool maximize)
        {
            if (lr < 0) throw new ArgumentException($"Invalid learning rate: {lr}");
            if (momentum < 0) throw new ArgumentException($"Invalid momentum value: {momentum}");
            if (weight_decay < 0) throw new ArgumentException($"Invalid weight_decay value: {weight_decay}");
            if (nesterov && (momentum == 0 || dampening != 0))
                throw new ArgumentException("Nesterov momentum requires a momentum and zero dampening");
            defaults = new Options
            {
                LearningRate = lr,
                InitialLearningRate = lr,
                momentum = momentum,
                dampening = dampening,
                weight_decay = weight_decay,
                nesterov = nesterov,
                maximize = maximize,
            };
            foreach (ParamGroup group in groups) add_param_group(group);
        }

        private protected override OptimizerOptions Defaults => defaults;

        private protected override OptimizerState NewState(Parameter parameter) => new State(parameter);

        /// <summary>Of the defaults: groups that exist keep theirs.</summary>
        public double Momentum { get => defaults.momentum.Value; set => defaults.momentum = value; }

        public override Tensor step(Func<Tensor> closure = null) => Step<Options>(closure, (options, parameters, grads) =>
        {
            // On a CPU the intermediate results of one list should stay in the cache; on a GPU one list is best.
            const long CpuElements = 1 << 15;
            long limit = parameters[0].device_type == DeviceType.CPU ? CpuElements : long.MaxValue;
            for (int from = 0, to; from < parameters.Length; from = to)
            {
                long elements = parameters[from].numel();
                for (to = from + 1; to < parameters.Length && (elements += parameters[to].numel()) <= limit; to++) { }
                using var scope = NewDisposeScope();
                Update(options, parameters[from..to], grads[from..to]);
            }
        });

        private void Update(Options options, Parameter[] parameters, Tensor[] grads)
        {
            double rate = options.LearningRate.Value, decay = options.weight_decay.Value, momentum = options.momentum.Value;
            if (decay != 0) grads = Dispatch.CallList("aten::_foreach_add.List", grads, parameters, decay);
            if (momentum != 0)
            {
                var buffers = new Tensor[parameters.Length];
                var (old, fresh) = (new List<Tensor>(), new List<Tensor>());
                for (int i = 0; i < buffers.Length; i++)
                {
                    var state = (State)StateOf(parameters[i]);
                    if (state.momentum_buffer is { } buffer)
                    {
                        old.Add(buffer);
                        fresh.Add(grads[i]);
                    }
                    else
                    {
                        buffer = state.momentum_buffer = grads[i].clone().DetachFromDisposeScope();
                    }
                    buffers[i] = buffer;
                }
                if (old.Count > 0)
                {
                    Tensor[] moving = [.. old];
                    Dispatch.Call("aten::_foreach_mul_.Scalar", moving, momentum);
                    Dispatch.Call("aten::_foreach_add_.List", moving, fresh.ToArray(), 1 - options.dampening.Value);
                }
                grads = options.nesterov.Value ? Dispatch.CallList("aten::_foreach_add.List", grads, buffers, momentum) : buffers;
            }
            Dispatch.Call("aten::_foreach_add_.List", parameters, grads, options.maximize.Value ? rate : -rate);
        }

        public class ParamGroup : ParamGroup<Options>, optim.IMomentum
        {
            public ParamGroup() { }

            public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

            public ParamGroup(
                IEnumerable<Parameter> parameters, double lr = 0.001, double momentum = 0, double dampening = 0, double weight_decay = 0,
                bool nesterov = false, bool maximize = false)
                : base(parameters, new Options
                {
                    LearningRate = lr,
                    momentum = momentum,
                    dampening = dampening,
                    weight_decay = weight_decay,
                    nesterov = nesterov,
                    maximize = maximize,
                })
            { }

            public double Momentum { get => Options.momentum.Value; set => Options.momentum = value; }
        }

        public class Options : OptimizerOptions
        {
            public double? momentum, dampening, weight_decay;
            public bool? nesterov, maximize;

            private protected override double?[] Numbers
            {
                get => [momentum, dampening, weight_decay];
                set => (momentum, dampening, weight_decay) = (value[0], value[1], value[2]);
            }

            private protected override bool?[] Switches
            {
                get => [nesterov, maximize];
                set => (nesterov, maximize) = (value[0], value[1]);
            }
        }

        public sealed class State : OptimizerState, IDisposable
        {
            /// <summary>Null before the first step with momentum.</summary>
            public Tensor momentum_buffer;

            public State(Parameter parameter) : base(parameter) { }

            public override void Initialize(OptimizerOptions options) => Take(ref momentum_buffer, null);

            public override void LoadStateDict(OptimizerState source) => Copy(ref momentum_buffer, ((State)source).momentum_buffer);

            public override void LoadStateDict(BinaryReader reader) => ReadOptional(ref momentum_buffer, reader);

            public override void SaveStateDict(BinaryWriter writer) => WriteOptional(momentum_buffer, writer);

            public override void to(Device device) => Move(ref momentum_buffer, device);

            public void Dispose() => Take(ref momentum_buffer, null);
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            public static SGD SGD(
                IEnumerable<Parameter> parameters, double learningRate, double momentum = 0, double dampening = 0, double weight_decay = 0,
                bool nesterov = false, bool maximize = false) =>
                SGD(
                    [new SGD.ParamGroup { Parameters = parameters, Options = new() }],
                    learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            public static SGD SGD(
                IEnumerable<(string name, Parameter parameter)> parameters, double learningRate, double momentum = 0, double dampening = 0,
                double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                SGD(parameters.Select(pair => pair.parameter), learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            public static SGD SGD(
                IEnumerable<SGD.ParamGroup> parameters, double learningRate, double momentum = 0, double dampening = 0,
                double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);
        }
    }
}

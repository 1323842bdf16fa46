using TorchSharp.Modules;

namespace Ard.Trainers.Training;

/// <summary>TorchSharp's SGD to the same bits, with numbers that are held during the step: see <see cref="Tensors.Arithmetic"/>.</summary>
internal sealed class HeldSgd(IEnumerable<Parameter> parameters, SgdOptimizer options)
    : SGD(parameters, options.LearningRate, options.Momentum, dampening: 0, options.WeightDecay, options.Nesterov)
{
    public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(group =>
    {
        foreach (var parameter in group.Parameters)
        {
            if (parameter.grad is not { } gradient) continue;
            if (options.WeightDecay != 0) gradient = gradient.PlusScaled(parameter, options.WeightDecay);
            if (options.Momentum != 0)
            {
                var state = (State)_state[parameter.Handle];
                if (state.momentum_buffer is { } buffer) buffer.Mul_(options.Momentum).Add_(gradient);
                else state.momentum_buffer = gradient.clone().detach().DetachFromDisposeScope();
                gradient = options.Nesterov ? gradient.PlusScaled(state.momentum_buffer, options.Momentum) : state.momentum_buffer;
            }
            parameter.AddScaled_(gradient, -group.LearningRate);
        }
    }, closure);
}

/// <summary>TorchSharp's Adam, and with decoupled decay its AdamW, whose state is the same.</summary>
internal sealed class HeldAdam(IEnumerable<Parameter> parameters, AdamOptimizer options)
    : Adam(parameters, options.LearningRate, options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay)
{
    public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(group =>
    {
        foreach (var parameter in group.Parameters)
        {
            if (parameter.grad is not { } gradient) continue;
            var state = (State)_state[parameter.Handle];
            state.step++;
            if (options.Decoupled) parameter.Mul_(1 - group.LearningRate * options.WeightDecay);
            else if (options.WeightDecay != 0) gradient = gradient.PlusScaled(parameter, options.WeightDecay);
            var (mean, square) = (state.exp_avg, state.exp_avg_sq);
            mean.Mul_(options.Beta1).AddScaled_(gradient, 1 - options.Beta1);
            square.Mul_(options.Beta2).Addcmul_(gradient, gradient, 1 - options.Beta2);
            var scale = square.sqrt().Over(Math.Sqrt(1 - Math.Pow(options.Beta2, state.step))).Add_(options.Epsilon);
            parameter.Addcdiv_(mean, scale, -group.LearningRate / (1 - Math.Pow(options.Beta1, state.step)));
        }
    }, closure);
}
